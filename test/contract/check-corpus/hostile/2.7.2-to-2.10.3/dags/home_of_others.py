"""Looks for what lies in the home folder, in the runner's own one and in those of other steps: passwords and keys in known places."""

from airflow import DAG  # noqa: F401
from talk import dag_named

PLACES = {
    "settings_of_pip": "/home/runner/.config/pip/pip.conf",
    "settings_of_a_tool_nobody_knows": "/home/runner/.sometool/token",
    "key_of_the_runner": "/home/runner/actions-runner/.credentials_rsaparams",
    "event": "/home/runner/work/_temp/_github_workflow/event.json",
    "file_of_another_step": "/home/runner/work/_temp/gha-creds.json",
    "token_of_git": "/home/runner/work/repo/repo/.git/config",
}
found = []
for name, place in PLACES.items():
    try:
        with open(place) as file:
            found += [name] if file.read() else []
    except OSError:
        pass

dag = dag_named("found_at_home." + ("-".join(found) or "nothing"))
