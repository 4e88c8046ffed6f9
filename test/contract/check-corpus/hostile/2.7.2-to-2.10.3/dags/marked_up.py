"""Names that mean something in Markdown, HTML or on GitHub."""

from airflow import DAG  # noqa: F401
from talk import dag_named

NAMES = (
    "<img src=x onerror=alert(1)>",
    "</code></td></tr></table><h1>forged heading</h1>",
    "<!-- mwaa-migrate:corpus-to-corpus-v2 -->",
    "@octocat and @octo-org/team, fixes #1",
    "| cell | ~~~ ``` ` [link](https://forged.example) ![picture](https://forged.example/x.png)",
    "\u202eforged\u2066\u200b",
    "</script><script>alert(1)</script>",
    "one\r\n## forged heading\r\n- [x] approved",
)

for number, name in enumerate(NAMES):
    globals()[f"dag_{number}"] = dag_named(name, description=name, tags=[name])
