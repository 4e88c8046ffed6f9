"""A target as cutover finds it: DAG files parsed by real Airflow, what an export says of the source, a real scheduler on demand."""

import contextlib
import datetime
import json
import os
import signal
import subprocess
import time
import uuid

from conftest import SOURCE, Environment, Migration

UTC = datetime.timezone.utc
HEAD = """
import datetime, os
from airflow import DAG
try:
    from airflow import Dataset
except ImportError:
    Dataset = None
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import PythonOperator

def line(dag_run, ti, **context):
    with open({lines!r}, "a") as file:
        file.write("{{}} {{}} {{}}[{{}}] {{}}\\n".format(dag_run.dag_id, dag_run.run_id, ti.task_id, ti.map_index, ti.try_number))

def fail(**context):
    line(**context)
    raise ValueError("meant to fail")

def task(task_id, function=line, **more):
    return PythonOperator(task_id=task_id, python_callable=function, **more)

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
"""


def iso(moment):
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def now():
    return datetime.datetime.now(UTC)


class Switching:
    """One target environment of `version`; `snapshot` is when the source's export was made, a quarter of an hour ago."""

    def __init__(self, world, version, bucket):
        self.world, self.version = world, version
        self.target = Environment(world, version)
        self.folder = world.folder / ("target-" + uuid.uuid4().hex[:8])
        (self.folder / "dags").mkdir(parents=True)
        self.lines_file = self.folder / "lines.txt"
        self.migration = Migration(world, self.target, self.target, bucket)
        self.migration.env = {"AIRFLOW__CORE__DAGS_FOLDER": str(self.folder / "dags")}
        self.snapshot = now() - datetime.timedelta(minutes=15)
        self.parked, self.owed, self.paused_at, self.schedules = [], [], {}, {}
        self.source_version, self.dags = SOURCE, {"include": [], "exclude": []}

    def sql(self, statement, values=None):
        return self.target.sql(statement, values)

    def one(self, statement, values=None):
        return self.target.one(statement, values)

    # --- DAG files

    def add_file(self, name, text):
        (self.folder / "dags" / (name + ".py")).write_text(HEAD.format(lines=str(self.lines_file)) + text)

    def _environ(self):
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AIRFLOW_HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "PYTHONWARNINGS": "ignore",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.folder / "dags"),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.target.url,
            "AIRFLOW__CORE__FERNET_KEY": self.target.fernet_key,
            "AIRFLOW__SCHEDULER__PARSING_PROCESSES": "1",
            "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": "300",
            "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": "300",
            **self.migration.env,
        }

    def airflow(self, *words):
        subprocess.run(
            [self.world.pythons[self.version], "-m", "airflow", *words],
            env=self._environ(),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=120,
        )

    def parse(self):
        """Twice, as a DAG that is seen for the first time gets its next run without a look at the history."""
        self.airflow("dags", "reserialize")
        self.sql("UPDATE dag SET is_paused = true")

    # --- the source's words

    def add_run(
        self, dag_id, logical, state="success", run_type="scheduled", interval=datetime.timedelta(hours=1), run_id=None, queued_at=None
    ):
        """A run as an import leaves it."""
        run_id = run_id or "{}__{}".format(run_type, logical.isoformat())
        self.sql(
            "INSERT INTO dag_run (dag_id, execution_date, run_id, run_type, state, external_trigger, conf, queued_at, start_date, "
            "end_date, data_interval_start, data_interval_end, log_template_id) "
            "VALUES (%s, %s, %s, %s, %s, false, '\\x80057d942e', %s, %s, %s, %s, %s, "
            "(SELECT max(id) FROM log_template))",
            (
                dag_id,
                logical,
                run_id,
                run_type,
                state,
                queued_at or logical + interval,
                logical + interval,
                logical + interval,
                logical,
                logical + interval,
            ),
        )
        return run_id

    def add_tasks(self, dag_id, run_id, **states):
        for task_id, state in states.items():
            self.sql(
                "INSERT INTO task_instance (dag_id, task_id, run_id, map_index, state, try_number, max_tries, pool, pool_slots, queue, "
                "priority_weight, operator, start_date, end_date) "
                "VALUES (%s, %s, %s, -1, %s, %s, 0, 'default_pool', 1, 'default', 1, 'PythonOperator', %s, %s)",
                (dag_id, task_id, run_id, state, 0 if state is None else 1, *([None] * 2 if state is None else [self.snapshot] * 2)),
            )

    def park(self, dag_id, logical, fate="resume", tasks=None, **more):
        """A run in flight at the snapshot, as the import has parked it."""
        run_id = self.add_run(dag_id, logical, state="failed", **more)
        self.add_tasks(dag_id, run_id, **(tasks or {}))
        self.parked.append(
            {
                "dagId": dag_id,
                "runId": run_id,
                "runType": more.get("run_type", "scheduled"),
                "state": "running",
                "startDate": None,
                "logicalDate": iso(logical),
                "unfinished": {"none": 1},
                "ended": 0,
                "deferred": [],
                "fate": fate,
            }
        )
        return run_id

    def want(self, *dag_ids, **fields):
        """DAGs that were active on the source; its next runs are those that the target's rows say, unless a field says otherwise."""
        rows = self.sql(
            "SELECT dag_id, next_dagrun, next_dagrun_data_interval_start, next_dagrun_data_interval_end, next_dagrun_create_after FROM dag"
        )
        there = {row[0]: [moment and iso(moment) for moment in row[1:]] for row in rows}
        for dag_id in dag_ids:
            logical, start, end, after = there.get(dag_id, [None] * 4)
            one = {
                "dagId": dag_id,
                "nextDagrun": logical,
                "nextDagrunDataIntervalStart": start,
                "nextDagrunDataIntervalEnd": end,
                "nextDagrunCreateAfter": after,
                "catchup": True,
            }
            one.update(fields)
            self.schedules[dag_id] = one
        self.migration.active_dags = list(self.schedules.values())

    def put_export(self):
        put, prefix, bucket = self.world.s3.put_object, self.migration.prefix, self.migration.bucket
        schedules = json.dumps(
            {
                "format": 1,
                "snapshotAt": iso(self.snapshot),
                "dags": list(self.schedules.values()),
                "pausedAt": self.paused_at,
                "owedEvents": self.owed,
            }
        ).encode()
        answer = put(Bucket=bucket, Key=prefix + "schedules.json", Body=schedules)
        import hashlib

        manifest = {
            "format": 1,
            "migrationId": self.migration.id,
            "snapshotAt": iso(self.snapshot),
            "inFlight": self.parked,
            "source": {"airflowVersion": self.source_version},
            "filters": {"dags": self.dags},
            "schedulesRef": {
                "key": prefix + "schedules.json",
                "versionId": answer["VersionId"],
                "sha256": hashlib.sha256(schedules).hexdigest(),
                "bytes": len(schedules),
            },
        }
        put(Bucket=bucket, Key=prefix + "export/manifest.json", Body=json.dumps(manifest).encode())

    def activate(self):
        self.put_export()
        return self.migration.data("activate")

    def deactivate(self):
        self.put_export()
        data = self.migration.data("deactivate")
        return data, (self.migration.read_json("deactivate/ran.json") or {}).get("runs")

    # --- what the target does

    def paused(self):
        return dict(self.sql("SELECT dag_id, is_paused FROM dag"))

    def runs(self, dag_id):
        """[(logical date, run type, state)] in order."""
        return self.sql("SELECT execution_date, run_type, state FROM dag_run WHERE dag_id = %s ORDER BY execution_date", (dag_id,))

    def lines(self):
        """What tasks have written: "dag_id run_id task_id[map_index]", in order."""
        text = self.lines_file.read_text() if self.lines_file.exists() else ""
        return [line.rsplit(" ", 1)[0] for line in text.splitlines()]

    def wait_for(self, is_so, what, timeout=90):
        deadline = time.time() + timeout
        while time.time() < deadline:
            answer = is_so()
            if answer:
                return answer
            time.sleep(0.3)
        raise AssertionError("{} never came; runs: {}".format(what, self.sql("SELECT dag_id, run_id, state FROM dag_run ORDER BY 1, 2")))

    @contextlib.contextmanager
    def scheduler(self):
        """A real scheduler with LocalExecutor. Its log must hold no exception at the end."""
        log = self.folder / "scheduler-{}.txt".format(uuid.uuid4().hex[:4])
        with open(log, "w") as out:
            process = subprocess.Popen(
                [self.world.pythons[self.version], "-m", "airflow", "scheduler"],
                env=self._environ(),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                yield log
            finally:
                _end(process)
        assert "Traceback" not in log.read_text(), log.read_text()[-6000:]

    def close(self):
        self.target.close()


def _children(pid):
    """Every process below `pid`: task runners make groups of their own, which a signal to the scheduler's group does not reach."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                with open("/proc/{}/stat".format(name)) as file:
                    if int(file.read().rsplit(")", 1)[1].split()[1]) == pid:
                        found.append(int(name))
    return [below for child in found for below in [child] + _children(child)]


def _end(process):
    members = _children(process.pid)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in members:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
