"""A page as a browser's parser sees it (html5lib follows the HTML standard): JSON on stdout, the page on stdin."""
import json
import sys

import html5lib

parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
tree = parser.parse(sys.stdin.read())
elements = [
    {
        "name": element.tag if isinstance(element.tag, str) else "#other",
        "attributes": dict(element.attrib),
        "text": " ".join("".join(element.itertext()).split()),
    }
    for element in tree.iter()
]
print(json.dumps({"errors": [code for _, code, _ in parser.errors], "elements": elements}))
