"""Shows Markdown as GitHub does, and tells what a reader would see: JSON on stdin {"name": markdown}, JSON on stdout {"name": seen}.

GitHub's own parser (cmark-gfm, in cmarkgfm) with its extensions, then the allow-list of its sanitiser (github.com/gjtorikian/html-pipeline,
which GitHub published), then what its filters look for in text outside of code: mentions, references, commits.
"""
import json
import re
import sys

import cmarkgfm
import html5lib
from cmarkgfm.cmark import Options

ELEMENTS = set(
    "h1 h2 h3 h4 h5 h6 br b i strong em a pre code img tt div ins del sup sub p picture ol ul table thead tbody tfoot "
    "blockquote dl dt dd kbd q samp var hr ruby rt rp li tr td th s strike summary details caption figure figcaption "
    "abbr bdo cite dfn mark small source span time wbr input".split())
ATTRIBUTES = set("href src alt align open lang type checked disabled class start".split())
SKIPPED = {"pre", "code", "tt", "a"}  # GitHub's filters leave them alone
MENTION = re.compile(r"(?:^|\W)@([a-z0-9][a-z0-9-]*)", re.I)
REFERENCE = re.compile(r"(?:^|[\s(\[{:])(?:[\w.-]+/[\w.-]+)?#\d+\b|\bGH-\d+\b", re.I)
COMMIT = re.compile(r"(?:^|[\s({@\[])[0-9a-f]{7,40}\b", re.I)


def name_of(node):
    return node.tag.split("}")[-1] if isinstance(node.tag, str) else "#comment"


def text_of(node):
    if name_of(node) == "#comment":
        return ""
    return (node.text or "") + "".join(text_of(child) + (child.tail or "") for child in node)


def walk(node, inside=()):
    yield node, inside
    for child in node:
        yield from walk(child, inside + (name_of(node),))


def loose_texts(node, skipped=False):
    """Texts in which the filters look; a comment or element ends a text."""
    skipped = skipped or name_of(node) in SKIPPED
    if not skipped and name_of(node) != "#comment":
        yield node.text or ""
    for child in node:
        yield from loose_texts(child, skipped)
        if not skipped:
            yield child.tail or ""


def seen(markdown):
    html = cmarkgfm.github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE)
    body = html5lib.parseFragment(html)
    nodes = list(walk(body))
    loose = list(loose_texts(body))
    found = {name: [] for name in ("forbidden", "comments", "links", "headings", "summaries", "tables", "listings", "items")}
    found.update(images=0, openTables=0, firstLine=text_of(body).strip().split("\n")[0])
    for node, inside in nodes:
        name = name_of(node)
        if name == "#comment":
            found["comments"].append(node.text)
        elif name not in ELEMENTS and name != "DOCUMENT_FRAGMENT":
            found["forbidden"].append(name)
        if name != "#comment":
            found["forbidden"] += ["%s.%s" % (name, attribute) for attribute in node.attrib if attribute not in ATTRIBUTES]
        if name == "a":
            found["links"].append(node.get("href"))
        if name == "img":
            found["images"] += 1
        if name in ("h1", "h2", "h3", "h4", "h5", "h6"):
            found["headings"].append([name, text_of(node)])
        if name == "summary":
            found["summaries"].append(text_of(node))
        if name == "pre":
            found["listings"].append(text_of(node))
        if name == "li":
            found["items"].append(text_of(node).strip())
        if name == "table":
            found["openTables"] += "details" not in inside
            rows = [row for row, _ in walk(node) if name_of(row) == "tr"]
            found["tables"].append([[text_of(cell) for cell in row if name_of(cell) in ("td", "th")] for row in rows])
    found["mentions"] = [match for text in loose for match in MENTION.findall(text)]
    found["references"] = [match.group().strip() for text in loose for match in REFERENCE.finditer(text)]
    found["commits"] = [match.group().strip() for text in loose for match in COMMIT.finditer(text)]
    return found


json.dump({name: seen(markdown) for name, markdown in json.load(sys.stdin).items()}, sys.stdout)
