/* SPDX-License-Identifier: MIT */
/*
 * From text to a tree.
 *
 *   stack   = node { "|" node }
 *   node    = word { word | key "=" word | key "={" stack "}" } [ "{" legs "}" ]
 *   legs    = stack { ";" stack } [ ";" ]
 *   file    = { ( "stack" | "export" ) name "=" stack newline | stack newline }
 *
 * A newline is a ";" in braces; elsewhere it ends the stack, unless the next
 * line begins with "|". ${key} puts in a value that is not looked at again.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <kiobuf/layer.h>

#include "port/port.h"
#include "stack/text.h"

enum token { WORD, PIPE, OPEN, CLOSE, SEMICOLON, NEWLINE, END };

struct parser {
	struct tree *tree;
	struct kio_diag *diag;
	const char *const *set;
	const char *at;
	struct place place; /* of `at` */
	/* the token in hand */
	enum token token;
	struct place begin;
	char *key;  /* WORD: what stood before =, or NULL */
	char *word; /* WORD: NULL with a key: a stack in braces follows */
	bool quoted; /* WORD: not to be taken for a keyword or = */
	unsigned braces;
	unsigned depth;  /* layers on the way down to here */
	size_t expanded; /* bytes that values put in */
};

#define fail(parser, place, ...) kio__complain((parser)->diag, -EINVAL, place, __VA_ARGS__)

/* --- words -------------------------------------------------------------- */

static void
step(struct parser *parser)
{
	if (*parser->at == '\n') {
		parser->place.line++;
		parser->place.column = 0;
	}
	parser->place.column++;
	parser->at++;
}

static bool
ends_word(char c)
{
	return c == '\0' || strchr(" \t\r\n{};|\"", c) != NULL;
}

struct buffer {
	char *at;
	size_t len, size;
};

static int
put(struct parser *parser, struct buffer *buffer, const char *text, size_t len)
{
	char *grown;

	if (buffer->len + len + 1 > buffer->size) {
		buffer->size = (buffer->len + len + 1) * 2;
		grown = kio__keep(&parser->tree->kept, buffer->size);
		if (grown == NULL)
			return -ENOMEM;
		if (buffer->len != 0)
			memcpy(grown, buffer->at, buffer->len);
		buffer->at = grown;
	}
	memcpy(buffer->at + buffer->len, text, len);
	buffer->len += len;
	buffer->at[buffer->len] = '\0';
	return 0;
}

/* At "${": puts in what --set gave. */
static int
put_value(struct parser *parser, struct buffer *buffer)
{
	const char *name = parser->at + 2, *end = strpbrk(name, "}\n"), *value;
	size_t len;
	char text[80];

	if (end == NULL || *end != '}')
		return fail(parser, parser->place, "${ is not closed by }");
	len = (size_t)(end - name);
	for (const char *const *set = parser->set; set != NULL && *set != NULL; set++) {
		if (strncmp(*set, name, len) == 0 && (*set)[len] == '=') {
			value = *set + len + 1;
			parser->expanded += strlen(value);
			if (parser->expanded > MOST_TEXT)
				return fail(parser, parser->place, "values make the text longer than %S",
					    (uint64_t)MOST_TEXT);
			while (parser->at <= end)
				step(parser);
			return put(parser, buffer, value, strlen(value));
		}
	}
	kio_format(text, sizeof(text), "%s", name);
	if (len < sizeof(text))
		text[len] = '\0';
	return fail(parser, parser->place, "${%s} is not set; give --set %s=VALUE", text, text);
}

static int
put_quoted(struct parser *parser, struct buffer *buffer)
{
	struct place begin = parser->place;
	char c;
	int rc = 0;

	step(parser);
	while (rc == 0 && *parser->at != '"') {
		c = *parser->at;
		if (c == '\0')
			return fail(parser, begin, "the quote is not closed");
		if (c == '$' && parser->at[1] == '{') {
			rc = put_value(parser, buffer);
			continue;
		}
		if (c == '\\') {
			step(parser);
			c = *parser->at;
			if (c == '\0' || strchr("\"\\$n", c) == NULL)
				return fail(parser, parser->place,
					    "after \\ in quotes comes one of \" \\ $ n");
			if (c == 'n')
				c = '\n';
		}
		rc = put(parser, buffer, &c, 1);
		step(parser);
	}
	step(parser);
	return rc;
}

static size_t
key_length(const char *at)
{
	size_t len = 0;

	if (at[0] < 'a' || at[0] > 'z')
		return 0;
	while ((at[len] >= 'a' && at[len] <= 'z') || (at[len] >= '0' && at[len] <= '9') ||
	       at[len] == '-' || at[len] == '_')
		len++;
	return at[len] == '=' ? len : 0;
}

static int
read_word(struct parser *parser)
{
	struct buffer buffer = { 0 };
	size_t key = key_length(parser->at);
	int rc = 0;

	parser->token = WORD;
	parser->key = parser->word = NULL;
	parser->quoted = false;
	if (key != 0) {
		parser->key = kio__keep_text(&parser->tree->kept, parser->at, key);
		if (parser->key == NULL)
			return -ENOMEM;
		for (size_t i = 0; i <= key; i++)
			step(parser);
		if (*parser->at == '{')
			return 0;
	}
	rc = put(parser, &buffer, "", 0);
	while (rc == 0 && (!ends_word(*parser->at) || *parser->at == '"')) {
		if (*parser->at == '"') {
			parser->quoted = true;
			rc = put_quoted(parser, &buffer);
		} else if (*parser->at == '$' && parser->at[1] == '{') {
			parser->quoted = true;
			rc = put_value(parser, &buffer);
		} else {
			rc = put(parser, &buffer, parser->at, 1);
			step(parser);
		}
	}
	parser->word = buffer.at;
	return rc;
}

static void
skip_blanks(struct parser *parser)
{
	for (;;) {
		while (*parser->at == ' ' || *parser->at == '\t' || *parser->at == '\r')
			step(parser);
		if (*parser->at != '#')
			return;
		while (*parser->at != '\0' && *parser->at != '\n')
			step(parser);
	}
}

static int
next(struct parser *parser)
{
	bool newline = false;

	skip_blanks(parser);
	parser->begin = parser->place;
	while (*parser->at == '\n') {
		newline = true;
		step(parser);
		skip_blanks(parser);
	}
	if (newline && *parser->at != '|') {
		parser->token = parser->braces != 0 ? SEMICOLON : NEWLINE;
		return 0;
	}
	parser->begin = parser->place;
	switch (*parser->at) {
	case '\0': parser->token = END; return 0;
	case '|': parser->token = PIPE; break;
	case '{': parser->token = OPEN; break;
	case '}': parser->token = CLOSE; break;
	case ';': parser->token = SEMICOLON; break;
	default: return read_word(parser);
	}
	step(parser);
	return 0;
}

/* --- stacks ------------------------------------------------------------- */

static int parse_stack(struct parser *parser, struct kio_node **out);

static int
expect_close(struct parser *parser, struct place open)
{
	if (parser->token != CLOSE)
		return fail(parser, open, "the brace is not closed");
	parser->braces--;
	return next(parser);
}

static int
skip_semicolons(struct parser *parser)
{
	int rc = 0;

	while (rc == 0 && parser->token == SEMICOLON)
		rc = next(parser);
	return rc;
}

static int
open_brace(struct parser *parser)
{
	int rc;

	parser->braces++;
	rc = next(parser);
	return rc == 0 ? skip_semicolons(parser) : rc;
}

static int
parse_legs(struct parser *parser, struct kio_node *node)
{
	struct place open = parser->begin;
	struct kio_node *leg;
	int rc = open_brace(parser);

	node->braces = true;
	while (rc == 0 && parser->token != CLOSE && parser->token != END) {
		rc = parse_stack(parser, &leg);
		if (rc == 0)
			rc = kio_tree_leg(&parser->tree->tree, node, leg);
		if (rc == 0 && parser->token != SEMICOLON && parser->token != CLOSE &&
		    parser->token != END)
			rc = fail(parser, parser->begin, "a leg ends with ; or }");
		if (rc == 0)
			rc = skip_semicolons(parser);
	}
	if (rc == 0 && node->leg_count == 0 && parser->token == CLOSE)
		rc = fail(parser, open, "there is no leg in the braces");
	return rc == 0 ? expect_close(parser, open) : rc;
}

/* key={ stack } */
static int
parse_side(struct parser *parser, struct kio_node **out)
{
	struct place open;
	int rc = next(parser);

	open = parser->begin;
	if (rc == 0)
		rc = open_brace(parser);
	if (rc == 0)
		rc = parse_stack(parser, out);
	if (rc == 0)
		rc = skip_semicolons(parser);
	return rc == 0 ? expect_close(parser, open) : rc;
}

static int
parse_arg(struct parser *parser, struct kio_node *node)
{
	struct place begin = parser->begin;
	struct kio_node *stack = NULL;
	char *key = parser->key, *word = parser->word;
	int rc;

	if (key != NULL && strcmp(key, "name") == 0) {
		if (word == NULL || word[0] == '\0')
			return fail(parser, begin, "name= is empty");
		if (node->name != NULL)
			return fail(parser, begin, "name= is given twice");
		node->name = word;
		return next(parser);
	}
	rc = word == NULL ? parse_side(parser, &stack) : next(parser);
	if (rc == 0)
		rc = kio_tree_arg(&parser->tree->tree, node, key, stack == NULL ? word : NULL, stack);
	if (rc == 0) {
		node->args[node->arg_count - 1].line = begin.line;
		node->args[node->arg_count - 1].column = begin.column;
	}
	return rc;
}

static int
parse_node(struct parser *parser, struct kio_node **out)
{
	struct kio_node *node;
	int rc;

	if (parser->token != WORD)
		return fail(parser, parser->begin, "a layer's name is expected here");
	if (parser->key != NULL)
		return fail(parser, parser->begin, "a layer's name is expected here, not %s=", parser->key);
	if (parser->tree->nodes >= MOST_NODES)
		return fail(parser, parser->begin, "there are more than %u layers", MOST_NODES);
	if (parser->depth++ == MOST_DEPTH)
		return fail(parser, parser->begin, "there are more than %u layers, one below the other",
			    MOST_DEPTH);
	node = kio_tree_node(&parser->tree->tree, parser->word, NULL);
	if (node == NULL)
		return -ENOMEM;
	node->line = parser->begin.line;
	node->column = parser->begin.column;
	node->source = parser->begin.source;
	rc = next(parser);
	while (rc == 0 && parser->token == WORD)
		rc = parse_arg(parser, node);
	if (rc == 0 && parser->token == OPEN)
		rc = parse_legs(parser, node);
	*out = node;
	return rc;
}

static int
parse_stack(struct parser *parser, struct kio_node **out)
{
	unsigned depth = parser->depth;
	struct kio_node *last, *node;
	int rc = parse_node(parser, out);

	last = rc == 0 ? *out : NULL;
	while (rc == 0 && parser->token == PIPE) {
		if (last->leg_count != 0)
			return fail(parser, parser->begin,
				    "%s has its legs in braces; nothing can follow it", last->class_name);
		rc = next(parser);
		if (rc == 0)
			rc = parse_node(parser, &node);
		if (rc == 0)
			rc = kio_tree_leg(&parser->tree->tree, last, node);
		last = node;
	}
	parser->depth = depth;
	return rc;
}

/* --- files -------------------------------------------------------------- */

/* "stack NAME =" or "export NAME =", if that is what stands here. */
static int
parse_head(struct parser *parser, char **name, bool *is_export)
{
	struct parser saved = *parser;
	int rc;

	*name = NULL;
	if (parser->key != NULL || parser->quoted)
		return 0; /* of KEY={ there is no word */
	*is_export = strcmp(parser->word, "export") == 0;
	if (!*is_export && strcmp(parser->word, "stack") != 0)
		return 0;
	rc = next(parser);
	if (rc == 0 && parser->token == WORD && parser->key == NULL) {
		*name = parser->word;
		if (!kio__is_name(*name))
			return fail(parser, parser->begin,
				    "'%s' cannot be the name of a stack; it has letters, digits, . _ and -",
				    *name);
		rc = next(parser);
		if (rc == 0 && parser->token == WORD && parser->key == NULL && !parser->quoted &&
		    strcmp(parser->word, "=") == 0)
			return next(parser);
	}
	*parser = saved;
	return rc != 0 ? rc :
			 fail(parser, parser->begin, "a definition is written: %s NAME = ...", saved.word);
}

static int
parse_statement(struct parser *parser)
{
	struct kio_tree *tree = &parser->tree->tree;
	struct place begin = parser->begin;
	struct kio_node *root;
	bool is_export = false;
	char *name = NULL;
	int rc = parser->token == WORD ? parse_head(parser, &name, &is_export) : 0;

	if (rc == 0)
		rc = parse_stack(parser, &root);
	if (rc < 0)
		return rc;
	if (parser->token != NEWLINE && parser->token != END)
		return fail(parser, parser->begin,
			    parser->token == SEMICOLON ? "; stands between legs, in braces" :
							 "the stack is complete before this");
	if (name != NULL && kio__tree_find(tree, name) != NULL)
		return fail(parser, begin, "'%s' is defined twice", name);
	if (name != NULL)
		return kio_tree_define(tree, name, is_export, root);
	if (tree->root != NULL)
		return fail(parser, begin, "there is a stack already; give it a name: stack NAME = ...");
	tree->root = root;
	return 0;
}

static int
parse_text(struct parser *parser, const char *source, const char *text)
{
	int rc;

	parser->at = text;
	parser->place = (struct place){ source, 1, 1 };
	rc = next(parser);
	while (rc == 0 && parser->token != END) {
		rc = parser->token == NEWLINE ? next(parser) : parse_statement(parser);
	}
	return rc;
}

static int
read_file(struct parser *parser, const char *path, char **out)
{
	struct place start = { path, 1, 1 };
	char *text = kio__keep(&parser->tree->kept, MOST_TEXT + 2);
	size_t len = 0;
	int fd, rc;

	if (text == NULL)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	rc = fd < 0 ? -errno : kio__read_whole(fd, text, MOST_TEXT + 1, &len);
	if (fd >= 0)
		close(fd);
	if (rc < 0)
		return kio__complain(parser->diag, rc, start, "cannot be read: %e", rc);
	if (len > MOST_TEXT)
		return fail(parser, start, "the text is longer than %S", (uint64_t)MOST_TEXT);
	if (strlen(text) != len)
		return fail(parser, start, "is not the text of a stack");
	*out = text;
	return 0;
}

/* Which of a file's definitions is meant. */
static int
choose(struct parser *parser, const char *source, const char *wanted)
{
	struct place nowhere = { source, 1, 1 };
	struct kio_tree *tree = &parser->tree->tree;
	const struct kio_definition *only = NULL;
	unsigned exports = 0;

	if (wanted != NULL) {
		only = kio__tree_find(tree, wanted);
		if (only == NULL)
			return kio__complain(parser->diag, -EINVAL, nowhere, "no stack '%s' is defined",
					     wanted);
		tree->root = only->root;
	}
	if (tree->root != NULL)
		return 0;
	for (unsigned i = 0; i < tree->definition_count; i++) {
		if (tree->definitions[i].is_export || tree->definition_count == 1) {
			only = &tree->definitions[i];
			exports++;
		}
	}
	if (exports != 1)
		return kio__complain(parser->diag, -EINVAL, nowhere,
				     exports == 0 ? "there is no export; name a stack: @%s:NAME" :
						    "there are several exports; name one: @%s:NAME",
				     source);
	tree->root = only->root;
	return 0;
}

static int
parse_file(struct parser *parser, const char *name)
{
	char *path = kio__keep_text(&parser->tree->kept, name, strlen(name)), *text = NULL, *wanted;
	int rc;

	if (path == NULL)
		return -ENOMEM;
	wanted = strrchr(path, ':');
	if (wanted != NULL && strchr(wanted, '/') == NULL)
		*wanted++ = '\0';
	else
		wanted = NULL;
	rc = read_file(parser, path, &text);
	if (rc == 0)
		rc = parse_text(parser, path, text);
	return rc == 0 ? choose(parser, path, wanted) : rc;
}

int
kio_tree_parse(struct kio_tree **out, const char *text, const char *const *set,
	       struct kio_diag *diag)
{
	struct kio_tree *tree = kio_tree_create();
	struct parser parser = { .tree = (struct tree *)(void *)tree, .diag = diag, .set = set };
	struct place start = { "", 1, 1 };
	int rc;

	if (diag != NULL)
		*diag = (struct kio_diag){ 0 };
	if (tree == NULL)
		return kio__complain(diag, -ENOMEM, start, "out of memory");
	if (strlen(text) > MOST_TEXT)
		rc = fail(&parser, start, "the text is longer than %S", (uint64_t)MOST_TEXT);
	else if (text[0] == '@')
		rc = parse_file(&parser, text + 1);
	else
		rc = parse_text(&parser, "", text);
	if (rc == 0 && tree->root == NULL)
		rc = fail(&parser, start, "there is no stack");
	if (rc < 0) {
		kio_tree_destroy(tree);
		if (diag != NULL && diag->text[0] == '\0')
			kio__complain(diag, rc, start, "out of memory");
		return rc;
	}
	*out = tree;
	return 0;
}
