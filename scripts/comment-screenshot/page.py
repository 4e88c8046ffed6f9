"""A comment as a page: Markdown on stdin, HTML on stdout. GitHub's own parser; its style sheet is the first argument."""
import re
import sys
from pathlib import Path

import cmarkgfm
from cmarkgfm.cmark import Options

FRAME = """
body { margin: 0; padding: 24px; background: #fff; width: 1010px }
.comment { border: 1px solid #d1d9e0; border-radius: 6px; overflow: hidden }
.comment { font-family: -apple-system, "Segoe UI", "Liberation Sans", sans-serif }
.head { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; padding: 8px 16px; font-size: 14px; color: #59636e }
.head b { color: #1f2328 } .head span { border: 1px solid #d1d9e0; border-radius: 2em; padding: 0 7px; font-size: 12px; margin-left: 4px }
.markdown-body { padding: 16px; font-size: 14px }
.markdown-body, .markdown-body h2, .markdown-body h3 { font-family: "Liberation Sans", "Noto Color Emoji", sans-serif }
.markdown-body code, .markdown-body pre { font-family: "Liberation Mono", monospace }
.markdown-body code { white-space: break-spaces }
"""


def coloured(match):
    """GitHub's colours of a diff: one class for what goes, one for what comes."""
    lines = []
    for line in match.group(1).split("\n"):
        kind = {"-": "pl-md", "+": "pl-mi1"}.get(line[:1])
        lines.append('<span class="%s">%s</span>' % (kind, line) if kind else line)
    return "<pre><code>%s</code></pre>" % "\n".join(lines)


html = cmarkgfm.github_flavored_markdown_to_html(sys.stdin.read(), options=Options.CMARK_OPT_UNSAFE)
html = re.sub(r'<pre lang="diff"><code>(.*?)</code></pre>', coloured, html, flags=re.S)
style = Path(sys.argv[1]).read_text(encoding="utf-8")
print(
    '<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><style>%s%s</style><div class="comment"><div class="head">'
    "<b>github-actions</b><span>bot</span> commented now</div><article class=\"markdown-body\">%s</article></div>" % (style, FRAME, html)
)
