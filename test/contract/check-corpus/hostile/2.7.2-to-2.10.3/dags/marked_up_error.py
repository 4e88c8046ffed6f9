"""An import error that means something in Markdown, HTML or on GitHub."""

from airflow import DAG

raise RuntimeError("</code></td><img src=x onerror=alert(1)> @octocat <!-- mwaa-migrate:corpus --> ```\n## forged heading\n| cell |", DAG)
