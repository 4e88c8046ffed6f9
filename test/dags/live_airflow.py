"""A real scheduler and triggerer (LocalExecutor) on an environment of the tests, in a process group of its own."""

import os
import pathlib
import signal
import subprocess
import time


class LiveAirflow:
    """`with LiveAirflow(world, environment, dag_file) as live:`; tasks write lines to `live.lines`, and wait for the file `live.go`."""

    def __init__(self, world, environment, dag_file, more=None, plugins=None):
        """:param dict more: environment variables of Airflow's processes. :param dict plugins: file name → text, importable there."""
        self.world, self.environment = world, environment
        self.home = pathlib.Path(world.folder / environment.name)
        for folder in ("dags", "plugins"):
            (self.home / folder).mkdir(parents=True)
        self.lines, self.go, self.dag_file = self.home / "lines.txt", self.home / "go", self.home / "dags" / "dags.py"
        self.lines.write_text("")
        self.dag_file.write_text("LINES, GO = {!r}, {!r}\n{}".format(str(self.lines), str(self.go), dag_file))
        for name, text in (plugins or {}).items():
            (self.home / "plugins" / name).write_text(text)
        programs = pathlib.Path(world.pythons[environment.version]).parent
        self.airflow = str(programs / "airflow")
        self.env = {
            "PATH": "{}:/usr/bin:/bin".format(programs),
            "HOME": str(self.home),
            "AIRFLOW_HOME": str(self.home),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONWARNINGS": "ignore",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.home / "dags"),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "16",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__KILLED_TASK_CLEANUP_TIME": "5",
            "AIRFLOW__CORE__FERNET_KEY": environment.fernet_key,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": environment.url,
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.home / "logs"),
            "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "3",
            "AIRFLOW__SCHEDULER__PARSING_PROCESSES": "1",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
            "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            **(more or {}),
        }
        self.processes, self.outputs = [], []

    def __enter__(self):
        self.start("scheduler")
        self.start("triggerer", "--skip-serve-logs")
        return self

    def __exit__(self, *_):
        for process in self.processes:
            _end_group(process)
        for output in self.outputs:
            output.close()

    def start(self, *arguments):
        output = open(self.home / "{}-{}.txt".format(arguments[0], len(self.processes)), "w")
        process = subprocess.Popen(
            [self.airflow, *arguments], env=self.env, stdout=output, stderr=output, start_new_session=True, cwd=self.home
        )
        self.processes.append(process)
        self.outputs.append(output)
        return process

    def run(self, *arguments):
        return subprocess.run([self.airflow, *arguments], env=self.env, capture_output=True, text=True, cwd=self.home)

    def counted(self):
        """line → how often a task wrote it, without the process ids."""
        found = {}
        for line in self.lines.read_text().splitlines():
            found[line.split("|")[0]] = found.get(line.split("|")[0], 0) + 1
        return found

    def pids(self):
        return [int(line.split("|")[1]) for line in self.lines.read_text().splitlines()]

    def states(self, dag_id=None):
        """{dag/task[index]: state} of every instance, or of one DAG's."""
        rows = self.environment.sql("SELECT dag_id, task_id, map_index, state FROM task_instance WHERE dag_id !~ '^db_'")
        return {
            "{}/{}{}".format(dag, task, "" if index < 0 else "[{}]".format(index)): state
            for dag, task, index, state in rows
            if dag_id in (None, dag)
        }

    def wait_for(self, condition, what, seconds=120):
        deadline = time.time() + seconds
        while not condition():
            if time.time() > deadline:
                raise AssertionError("{}: {}\n{}\n{}".format(what, self.states(), self.lines.read_text(), self.tail()))
            time.sleep(0.3)

    def tail(self):
        return "\n".join(path.read_text()[-3000:] for path in sorted(self.home.glob("*-?.txt")))

    def task_logs(self, dag_id):
        return "\n".join(path.read_text() for path in self.home.glob("logs/dag_id={}/**/*.log".format(dag_id)))

    def complaints(self):
        """Tracebacks of scheduler and triggerer."""
        return [path.name for path in self.home.glob("*-?.txt") if "Traceback (most recent call last)" in path.read_text()]


def is_alive(pid):
    try:
        return pathlib.Path("/proc/{}/stat".format(pid)).read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _end_group(process):
    """The session's processes have groups of their own (task runners): end all whose session it is."""
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        for each in pathlib.Path("/proc").iterdir():
            try:
                fields = (each / "stat").read_text().rsplit(")", 1)[1].split()
                if each.name.isdigit() and int(fields[3]) == process.pid:
                    os.kill(int(each.name), wanted)
            except (OSError, IndexError):
                continue
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            continue
        time.sleep(0.5)
