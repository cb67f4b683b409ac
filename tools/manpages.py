#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes man pages out of their sources, through scdoc.

manpages.py noun HEADER NAME OUTPUT [EXAMPLE...]
                                        page 3 of a noun, from its public header
                                        and complete programs
manpages.py layer KIOBUF PROSE OUTPUT   page 7 of a layer, from its table of
                                        options and docs/layers/NAME.scd
"""
import json, os, re, subprocess, sys


def escape(text):
    return re.sub(r"([_*\\])", r"\\\1", text)


def literal(text):
    """A block that scdoc leaves as it is, but for backslashes."""
    return "```\n" + text.rstrip().expandtabs(8).replace("\\", "\\\\") + "\n```\n"


def prose(comment):
    """A comment's paragraphs as text, its drawings, lists and code as they are."""
    out, block = [], []

    def end():
        if block:
            out.append(literal("\n".join(block)))
            block.clear()

    for paragraph in re.split(r"\n\s*\n", comment):
        lines = paragraph.split("\n")
        if all(re.match(r"\S", line) for line in lines):
            end()
            out.append(escape(" ".join(lines)) + "\n")
        else:
            if block:
                block.append("")
            block.extend(lines)
    end()
    return "\n".join(out)


def example(path):
    """A program: what it says of itself, and the rest as it is."""
    comment, rest = re.match(r".*?\n/\*\n(.*?) \*/\n(.*)", open(path).read(), re.S).groups()
    comment = "\n".join(re.sub(r"^ \* ?", "", line) for line in comment.rstrip().split("\n"))
    return f"## {escape(os.path.basename(path))}\n\n{prose(comment)}\n{literal(rest.strip())}"


def noun(header, name, examples):
    text = open(header).read()
    body = re.split(r"#define KIOBUF_\w+_H\n", text, 1)[1]
    comment, rest = re.match(r"\s*/\*\n(.*?)\*/\n(.*)", body, re.S).groups()
    comment = "\n".join(re.sub(r"^ \* ?", "", line) for line in comment.rstrip().split("\n"))
    title = comment.split("\n\n")[0].replace("\n", " ")
    summary = re.split(r"[.:] ", title + " ", 1)
    rest = re.sub(r"#include.*\n|KIO_BEGIN\n|KIO_END\n|#endif\s*$", "", rest)
    rest = re.sub(r"KIO_PUBLIC ", "", rest)
    rest = re.sub(r"\n{3,}", "\n\n", rest).strip()
    short = summary[1].split(". ")[0].rstrip(". ") if title.startswith(name) else title.split(". ")[0].rstrip(".")
    shown = "# EXAMPLES\n\n" + "\n".join(map(example, examples)) + "\n" if examples else ""
    return (f"{name}(3)\n\n# NAME\n\n{name} - {escape(short)}\n\n# SYNOPSIS\n\n"
            f"```\n#include <kiobuf/{os.path.basename(header)}>\n```\n\n# DESCRIPTION\n\n{prose(comment)}\n"
            f"# INTERFACE\n\n{literal(rest)}\n{shown}# SEE ALSO\n\n*kiobuf*(1), *kiobuf-stack*(5)\n")


def layer(kiobuf, path):
    name = os.path.splitext(os.path.basename(path))[0]
    table = json.loads(subprocess.run([kiobuf, "layers", name, "--json"], check=True, capture_output=True).stdout)
    options = ""
    for opt in table["options"]:
        options += f"*{escape(opt['name'])}=*{escape(opt['type'])}\n\t{escape(opt['help'])}"
        if opt["required"]:
            options += "; required"
        if opt["default"]:
            options += f"; default {escape(opt['default'])}"
        if opt["main"]:
            options += "; also as the first word without a name"
        options += "\n\n"
    return (f"kiobuf-{name}(7)\n\n# NAME\n\nkiobuf-{name} - {escape(table['summary'])}\n\n"
            f"# OPTIONS\n\n{options or 'None.' + chr(10) + chr(10)}{open(path).read()}\n# MATURITY\n\n"
            f"{table['maturity']}\n\n# SEE ALSO\n\n*kiobuf*(1), *kiobuf-stack*(5)\n")


kind, source, other, output = sys.argv[1:5]
page = noun(source, other, sys.argv[5:]) if kind == "noun" else layer(source, other)
made = subprocess.run(["scdoc"], input=page, text=True, capture_output=True)
if made.returncode:
    sys.exit(f"{output}: {made.stderr}")
open(output, "w").write(made.stdout)
