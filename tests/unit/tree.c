/* SPDX-License-Identifier: MIT */
#include <kiobuf/tree.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

static void
parses(const char *text, const char *canonical)
{
	struct kio_diag diag = { 0 };
	struct kio_tree *tree, *again;
	char *out, *twice;

	if (kio_tree_parse(&tree, text, NULL, &diag) < 0) {
		CHECK_STR(diag.text, canonical);
		return;
	}
	out = kio_tree_format(tree);
	CHECK_STR(out, canonical);
	CHECK_EQ(kio_tree_parse(&again, out, NULL, &diag), 0);
	twice = kio_tree_format(again);
	CHECK_STR(twice, out);
	free(out);
	free(twice);
	kio_tree_destroy(tree);
	kio_tree_destroy(again);
}

static void
refuses(const char *text, const char *why)
{
	struct kio_diag diag = { 0 };
	struct kio_tree *tree;

	if (kio_tree_parse(&tree, text, NULL, &diag) == 0) {
		if (kio_tree_check(tree, &diag) == 0)
			snprintf(diag.text, sizeof(diag.text), "it was accepted");
		kio_tree_destroy(tree);
	}
	CHECK_STR(diag.text, why);
}

TEST("language: stacks in their canonical form, and back")
{
	parses("null", "null");
	parses("  crop   offset=4K|null ", "crop offset=4K | null");
	parses("mirror{file a;file b name=right;}", "mirror { file a ; file b name=right }");
	parses("crypt key-file=k | stripe chunk=64K {\n file a\n\n file b\n}\n",
	       "crypt key-file=k | stripe chunk=64K { file a ; file b }");
	parses("log # a comment\n  | mem 1M\n", "log | mem 1M");
	parses("file \"a b.img\" x=\"\"", "file \"a b.img\" x=\"\"");
	parses("file \"k=v\"", "file \"k=v\"");
	parses("file \"a_b=v\"", "file \"a_b=v\""); /* was written as an option */
	parses("\"stack\" | log | stack x", "\"stack\" | log | \"stack\" x"); /* not a definition */
	parses("file \"a\\\"b\\\\c\\${d}\\n\"", "file \"a\\\"b\\\\c\\${d}\\n\"");
	parses("cow overlay={ file x.cow } | mem 1M", "cow overlay={ file x.cow } | mem 1M");
	parses("cow overlay={\n # beside\n file x.cow\n} | mem 1M", "cow overlay={ file x.cow } | mem 1M");
	parses("log\n\n # on\n\n  | mem 1M\n\n", "log | mem 1M");
	parses("concat { null }", "concat { null }");
	parses("nbd nbd+unix:///x?socket=/run/b.sock", "nbd nbd+unix:///x?socket=/run/b.sock");
}

TEST("language: errors of grammar point at the column")
{
	refuses("", "1:1: there is no stack");
	refuses("crop |", "1:7: a layer's name is expected here");
	refuses("| null", "1:1: a layer's name is expected here");
	refuses("offset=4K", "1:1: a layer's name is expected here, not offset=");
	refuses("side={ null }", "1:1: a layer's name is expected here, not side=");
	refuses("mirror { null", "1:8: the brace is not closed");
	refuses("mirror { }", "1:8: there is no leg in the braces");
	refuses("mirror { null } | null", "1:17: mirror has its legs in braces; nothing can follow it");
	refuses("null ; null", "1:6: ; stands between legs, in braces");
	refuses("null }", "1:6: the stack is complete before this");
	refuses("file \"abc", "1:6: the quote is not closed");
	refuses("file \"a\\q\"", "1:9: after \\ in quotes comes one of \" \\ $ n");
	refuses("file ${x", "1:6: ${ is not closed by }");
	refuses("file ${x}", "1:6: ${x} is not set; give --set x=VALUE");
	refuses("null name=a name=b", "1:13: name= is given twice");
	refuses("null\nnull", "2:1: there is a stack already; give it a name: stack NAME = ...");
}

TEST("language: errors of meaning point at the column, with a guess")
{
	refuses("stripe chnk=4K { null ; null }", "1:8: no option 'chnk' in stripe; did you mean 'chunk'?");
	refuses("strip { null ; null }", "1:1: no layer 'strip'; did you mean 'stripe'?");
	refuses("mem size=1MB", "1:5: 1MB has a unit that means two things; K, M, G and T are powers of 1024");
	refuses("mem size=10KB", "1:5: 10KB has a unit that means two things; K, M, G and T are powers of 1024");
	refuses("mem size=99999999999999999999", "1:5: 99999999999999999999 is too large");
	refuses("mem size=9223372036854775808", "1:5: 9223372036854775808 is too large; a size is less than 2^63");
	refuses("mem size=8388608T", "1:5: 8388608T is too large; a size is less than 2^63");
	refuses("mem size=1X", "1:5: 1X has a unit other than K, M, G, T");
	refuses("mem size=-1", "1:5: -1 is not a number");
	refuses("mem", "1:1: mem needs size=");
	refuses("mem 1M 2M", "1:8: mem takes no word '2M'");
	refuses("mem 1M size=2M", "1:8: size is given twice");
	refuses("mem 1M | null", "1:1: mem is a driver; nothing can be below it");
	refuses("crop", "1:1: crop needs a layer below it");
	refuses("crop { null ; null }", "1:1: crop takes one layer below it, not 2");
	refuses("crypt key=abc | null",
		"1:7: a secret is never written in the text; use key-file=, key-fd= or key-credential=");
	refuses("crypt | null", "1:1: crypt needs key-file=");
	refuses("crypt key-file=k sector=1024 | null", "1:18: '1024' is not one of 512|4096");
	refuses("delay 5 | null", "1:7: 5 needs a unit: ns, us, ms, s or m");
	refuses("mirror degraded=maybe { null }", "1:8: maybe is neither yes nor no");
	refuses("concat { null name=a ; null name=a }", "1:24: the name 'a' is given twice");
	refuses("concat { null ; null name=null0 }",
		"1:17: 'null0' is what another layer is called that has no name=");
	refuses("concat { null name=null1 ; null }",
		"1:10: 'null1' is what another layer is called that has no name=");
	refuses("null name=\"a\\nb\"", "1:1: name= has a control character");
	refuses("crop offset={ null } | null", "1:6: offset does not take a stack");
}

TEST("language: templates put in one word that is not looked at again")
{
	static const char *const set[] = { "path=a b | null { } \"${x}", "n=3", NULL };
	struct kio_diag diag;
	struct kio_tree *tree;
	char *out;

	CHECK_EQ(kio_tree_parse(&tree, "file ${path} size=${n}M", set, &diag), 0);
	CHECK_EQ(tree->root->arg_count, 2);
	CHECK_STR(tree->root->args[0].value, "a b | null { } \"${x}");
	CHECK_STR(tree->root->args[1].value, "3M");
	out = kio_tree_format(tree);
	kio_tree_destroy(tree);
	/* and the canonical text needs no --set */
	CHECK_EQ(kio_tree_parse(&tree, out, NULL, &diag), 0);
	CHECK_STR(tree->root->args[0].value, "a b | null { } \"${x}");
	kio_tree_destroy(tree);
	free(out);
	/* not a keyword either */
	CHECK_EQ(kio_tree_parse(&tree, "${word} x", (const char *const[]){ "word=stack", NULL }, &diag), 0);
	CHECK_STR(tree->root->class_name, "stack");
	kio_tree_destroy(tree);
	CHECK(kio_tree_parse(&tree, "${word} x = null", (const char *const[]){ "word=stack", NULL }, &diag) == 0);
	CHECK_EQ(tree->definition_count, 0);
	kio_tree_destroy(tree);
}

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
}

TEST("language: files with stacks, exports and use")
{
	struct kio_stack *stack;
	struct kio_diag diag;
	struct kio_tree *tree;

	write_file("t.kio", "# two machines on one base\n"
			    "stack base = crop size=1M\n   | mem 4M\n\n"
			    "export vm1 = readonly | use base\n"
			    "stack pair = mirror state=none {\n\tuse base\n\tmem 2M\n}\n");
	CHECK_EQ(kio_tree_parse(&tree, "@t.kio", NULL, &diag), 0);
	CHECK_EQ(tree->definition_count, 3);
	CHECK_STR(tree->root->class_name, "readonly");
	CHECK_EQ(kio_tree_check(tree, &diag), 0);
	kio_tree_destroy(tree);
	CHECK_EQ(kio_stack_open(&stack, "@t.kio:pair", NULL, &diag), 0);
	CHECK_EQ(kio_stack_limits(stack)->size, 1 << 20);
	kio_stack_close(&stack, NULL);
	CHECK(kio_stack_open(&stack, "@t.kio:vm2", NULL, &diag) < 0);
	CHECK_STR(diag.text, "t.kio:1:1: no stack 'vm2' is defined");

	write_file("t.kio", "stack a = log | use b\nstack b = log | use a\nexport c = use a\n");
	CHECK_EQ(kio_stack_open(&stack, "@t.kio", NULL, &diag), -ELOOP);
	CHECK_STR(diag.text, "t.kio:2:17: this goes round in a circle: log is below itself");
	write_file("t.kio", "stack a b = mem 1M\n");
	CHECK(kio_stack_open(&stack, "@t.kio", NULL, &diag) < 0);
	CHECK_STR(diag.text, "t.kio:1:1: a definition is written: stack NAME = ...");
	write_file("t.kio", "stack \"a b\" = mem 1M\n");
	CHECK(kio_stack_open(&stack, "@t.kio", NULL, &diag) < 0);
	CHECK_STR(diag.text, "t.kio:1:7: 'a b' cannot be the name of a stack; it has letters, digits, . _ and -");
	write_file("t.kio", "stack base = mem 1M\nexport c = use bas\n");
	CHECK(kio_stack_open(&stack, "@t.kio", NULL, &diag) < 0);
	CHECK_STR(diag.text, "t.kio:2:16: no stack 'bas' is defined; did you mean 'base'?");
	write_file("t.kio", "stack base = mem 1M\nstack base = mem 1M\n");
	CHECK(kio_stack_open(&stack, "@t.kio", NULL, &diag) < 0);
	CHECK_STR(diag.text, "t.kio:2:1: 'base' is defined twice");
	unlink("t.kio");
	CHECK(kio_stack_open(&stack, "@t.kio", NULL, &diag) < 0);
	CHECK_STR(diag.text, "t.kio:1:1: cannot be read: No such file or directory");
}

TEST("language: what is nested too deep is refused, not followed")
{
	char *text = malloc(100000);
	struct kio_diag diag;
	struct kio_tree *tree;

	text[0] = '\0';
	for (int i = 0; i < 2000; i++)
		strcpy(text + i * 9, "concat { ");
	CHECK(kio_tree_parse(&tree, text, NULL, &diag) < 0);
	CHECK_STR(diag.text, "1:1153: there are more than 128 layers, one below the other");
	text[0] = '\0';
	for (int i = 0; i < 5000; i++)
		strcpy(text + i * 6, "log | ");
	CHECK(kio_tree_parse(&tree, text, NULL, &diag) < 0);
	CHECK_STR(diag.text, "1:769: there are more than 128 layers, one below the other");
	/* side by side there may be more */
	strcpy(text, "concat {");
	for (int i = 0; i < 1000; i++)
		strcat(text, "log | null 1M ;");
	strcat(text, "}");
	CHECK_EQ(kio_tree_parse(&tree, text, NULL, &diag), 0);
	CHECK_EQ(kio_tree_check(tree, &diag), 0);
	kio_tree_destroy(tree);
	free(text);
}

TEST("language: use does not make a stack deeper or larger than it may be")
{
	struct kio_stack *stack;
	struct kio_diag diag;
	FILE *file = fopen("t.kio", "w");

	fprintf(file, "stack s0 = mem 1M\n");
	for (int i = 1; i < 20; i++)
		fprintf(file, "stack s%d = concat { use s%d ; use s%d }\n", i, i - 1, i - 1);
	fclose(file);
	CHECK_EQ(kio_stack_open(&stack, "@t.kio:s19", NULL, &diag), -E2BIG);
	CHECK(strstr(diag.text, "there are more than 4096 layers") != NULL);
	file = fopen("t.kio", "w");
	fprintf(file, "stack s0 = mem 1M\n");
	for (int i = 1; i < 200; i++)
		fprintf(file, "stack s%d = log | use s%d\n", i, i - 1);
	fclose(file);
	CHECK_EQ(kio_stack_open(&stack, "@t.kio:s199", NULL, &diag), -E2BIG);
	CHECK_STR(diag.text, "t.kio:73:19: there are more than 128 layers, one below the other");
	unlink("t.kio");
}

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

TEST("language: the time to read a text grows with its length, whatever it is made of")
{
	static const char *const pieces[] = { "\n", " # x\n", ";", "\n \n|", "a=", "{", "\"a\" " };
	size_t size = 1000000;
	char *text = malloc(size + 1);
	struct kio_diag diag;
	struct kio_tree *tree;
	uint64_t begin;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		for (size_t at = 0; at < size; at++)
			text[at] = pieces[i][at % strlen(pieces[i])];
		text[size] = '\0';
		memcpy(text, "null ", 5);
		begin = now_ms();
		if (kio_tree_parse(&tree, text, NULL, &diag) == 0)
			kio_tree_destroy(tree);
		/* looking ahead from each newline took minutes */
		CHECK(now_ms() - begin < 10000);
	}
	free(text);
}

TEST("language: values cannot make a short text long without end")
{
	size_t len = 300000;
	char *value = malloc(len + 3);
	const char *const set[] = { value, NULL };
	struct kio_diag diag;
	struct kio_tree *tree;

	memset(value, 'x', len + 2);
	value[1] = '=';
	value[len + 2] = '\0';
	CHECK_EQ(kio_tree_parse(&tree, "file ${x} ${x} ${x}", set, &diag), 0);
	kio_tree_destroy(tree);
	CHECK(kio_tree_parse(&tree, "file ${x} ${x} ${x} ${x}", set, &diag) < 0);
	CHECK_STR(diag.text, "1:21: values make the text longer than 1M");
	free(value);
}

TEST("tree: made by a program, it is checked as one that was read")
{
	struct kio_tree *tree = kio_tree_create();
	struct kio_node *crop = kio_tree_node(tree, "crop", NULL), *mem = kio_tree_node(tree, "mem", "m");
	struct kio_stack *stack;
	struct kio_diag diag;
	char *text;

	CHECK_EQ(kio_tree_check(tree, &diag), -EINVAL);
	CHECK_STR(diag.text, "there is no stack");
	CHECK_EQ(kio_stack_open_tree(&stack, tree, NULL, &diag), -EINVAL);
	tree->root = crop;
	CHECK_EQ(kio_tree_arg(tree, crop, "ofset", "4K", NULL), 0);
	CHECK_EQ(kio_tree_leg(tree, crop, mem), 0);
	CHECK_EQ(kio_tree_arg(tree, mem, NULL, "1M", NULL), 0);
	CHECK_EQ(kio_tree_check(tree, &diag), -EINVAL);
	CHECK_STR(diag.text, "no option 'ofset' in crop; did you mean 'offset'?");
	crop->args[0].key = "offset";
	CHECK_EQ(kio_stack_open_tree(&stack, tree, NULL, &diag), 0);
	CHECK_EQ(kio_stack_limits(stack)->size, (1 << 20) - 4096);
	kio_stack_close(&stack, NULL);
	text = kio_tree_format(tree);
	CHECK_STR(text, "crop offset=4K | mem 1M name=m");
	free(text);
	CHECK_EQ(kio_tree_define(tree, "base", false, mem), 0);
	CHECK_EQ(kio_tree_define(tree, "base", true, crop), -EEXIST);
	CHECK_EQ(kio_tree_define(tree, "a b", true, crop), -EINVAL);
	CHECK_EQ(tree->definition_count, 1);
	kio_tree_destroy(tree);
}

TEST("open: what a layer refuses is told with its name and place, and nothing stays open")
{
	struct kio_stack *stack;
	struct kio_diag diag;

	CHECK(kio_stack_open(&stack, "concat { mem 1M ; crop offset=2M | mem 1M }", NULL, &diag) < 0);
	CHECK_STR(diag.text, "1:19: crop0: offset=2M size=0 is past the end, 1M");
	CHECK_EQ(diag.column, 19);
	CHECK(kio_stack_open(&stack, "concat { file nowhere.img ; file t.img size=1M }", NULL, &diag) < 0);
	CHECK_STR(diag.text, "1:10: file0: nowhere.img does not exist; size= creates it");
	CHECK_EQ(kio_stack_open(&stack, "file t.img", NULL, &diag), 0); /* not locked any more */
	kio_stack_close(&stack, NULL);
	CHECK(kio_stack_open(&stack, "concat { file t.img ; file ./t.img name=b }", NULL, &diag) < 0);
	CHECK(strstr(diag.text, "in this stack twice") != NULL);
	unlink("t.img");
}
