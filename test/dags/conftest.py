"""A world of real PostgreSQL, real Airflow and an S3 and KMS server (moto) for the two DAG files as they ship."""

import hashlib
import json
import logging
import os
import pathlib
import queue
import shutil
import subprocess
import threading
import time
import uuid

import boto3
import psycopg2
import pytest
from cryptography.fernet import Fernet
from moto.server import ThreadedMotoServer

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCE, TARGET = "2.7.2", "2.10.3"
#: A further target; the two above are targets too where a test names them.
NEWEST = "2.11.2"
OWNER = "123456789012"  # moto's account
TABLES = json.loads((ROOT / "src/metadata/tables.json").read_text())
logging.getLogger("werkzeug").setLevel(logging.ERROR)
os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="eu-west-1")


def database_variables(url):
    """Airflow reads the first since 2.3, the second below."""
    return {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url, "AIRFLOW__CORE__SQL_ALCHEMY_CONN": url}


class Worker:
    """One airflow_worker.py; `start` a command, `wait` for its exit status."""

    def __init__(self, python, home):
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AIRFLOW_HOME": str(home),
            "LANG": "C.UTF-8",
            "PYTHONWARNINGS": "ignore",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            **database_variables("postgresql+psycopg2://nobody@127.0.0.1:1/none"),
            "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
        }
        self.log = open(home / "worker.txt", "w")
        self.process = subprocess.Popen(
            [python, str(ROOT / "test/dags/airflow_worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=env,
            start_new_session=True,
        )
        self.answers, self.count = {}, 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            if line.startswith('{"id"'):
                value = json.loads(line)
                self.answers.setdefault(value["id"], queue.Queue()).put(value)

    def start(self, dag, run_id, conf, env, log):
        self.count += 1
        number = self.count
        answers = self.answers.setdefault(number, queue.Queue())
        self.process.stdin.write(
            json.dumps({"id": number, "dag": str(dag), "run_id": run_id, "conf": conf, "env": env, "log": str(log)}) + "\n"
        )
        self.process.stdin.flush()
        return number, answers.get(timeout=60)["pid"]

    def wait(self, number, timeout=180):
        return self.answers[number].get(timeout=timeout)["code"]

    def close(self):
        self.process.kill()  # it holds nothing; a command that still runs is in a group of its own and has been waited for
        self.process.wait()
        self.log.close()


class World:
    """What all tests share. Releases of Airflow beyond the three are set up when a test first asks for one."""

    def __init__(self, folder, node):
        self.folder, self.node = folder, node
        self.workers, self.templates, self.pythons, self.database_url = {}, {}, {}, None

    def learn(self, line):
        """One line of world.ts."""
        assert line, "test/dags/world.ts ended early"
        told = json.loads(line)
        self.database_url = told["databaseUrl"]
        for version, release in told["releases"].items():
            self.templates[version], self.pythons[version] = release["template"], release["python"]

    def need(self, version):
        """Have the release's Airflow and its empty database at hand."""
        if version not in self.templates:
            self.node.stdin.write(version + "\n")
            self.node.stdin.flush()
            self.learn(self.node.stdout.readline())

    def worker(self, version):
        if version not in self.workers:
            self.need(version)
            home = self.folder / version
            (home / "dags").mkdir(parents=True)
            self.workers[version] = Worker(self.pythons[version], home)
        return self.workers[version]

    def dismiss(self, version):
        """End the release's Python, which holds some 200 MB: a run over all releases needs each only for a while."""
        if version in self.workers:
            self.workers.pop(version).close()
            shutil.rmtree(str(self.folder / version))


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    node = subprocess.Popen(
        ["node", "--import", "tsx", "test/dags/world.ts", SOURCE, TARGET, NEWEST],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    made = World(tmp_path_factory.mktemp("dags"), node)
    try:
        made.learn(node.stdout.readline())
        for version in (SOURCE, TARGET, NEWEST):
            made.worker(version)
        subprocess.run(["node", "scripts/dags.mjs", str(made.folder / "shipped")], cwd=ROOT, check=True)
        made.endpoint = "http://{}:{}".format(*server.get_host_and_port())
        made.s3 = boto3.client("s3", endpoint_url=made.endpoint, region_name="eu-west-1")
        made.kms = boto3.client("kms", endpoint_url=made.endpoint, region_name="eu-west-1")
        yield made
    finally:
        for worker in made.workers.values():
            worker.close()
        server.stop()
        node.stdin.close()
        try:
            node.wait(60)
        except subprocess.TimeoutExpired:
            node.kill()


class Environment:
    """One metadata database of one Airflow version, with its Fernet key."""

    def __init__(self, world, version):
        world.need(version)
        self.world, self.version = world, version
        self.name = "t_" + uuid.uuid4().hex[:12]
        self.fernet_key = Fernet.generate_key().decode()
        self.fernet = Fernet(self.fernet_key)
        admin = psycopg2.connect(world.database_url.replace("+psycopg2", ""))
        admin.autocommit = True
        admin.cursor().execute('CREATE DATABASE "{}" TEMPLATE "{}"'.format(self.name, world.templates[version]))
        admin.close()
        self.url = world.database_url.rsplit("/", 1)[0] + "/" + self.name
        self.connection = psycopg2.connect(self.url.replace("+psycopg2", ""))
        self.connection.autocommit = True
        self.sql("SET TimeZone = 'UTC'")

    def sql(self, statement, values=None):
        cursor = self.connection.cursor()
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else cursor.rowcount

    def one(self, statement, values=None):
        return self.sql(statement, values)[0][0]

    def add_variable(self, key, value, description=None):
        self.sql(
            "INSERT INTO variable (key, val, is_encrypted, description) VALUES (%s, %s, true, %s)",
            (key, self.fernet.encrypt(value.encode()).decode(), description),
        )

    def variables(self):
        return {
            key: (self.fernet.decrypt(value.encode()).decode() if encrypted else value, description)
            for key, value, encrypted, description in self.sql("SELECT key, val, is_encrypted, description FROM variable")
        }

    def make_default_connections(self):
        """As `airflow db init` makes them, which MWAA runs up to 2.8."""
        home = self.world.folder / self.version
        subprocess.run(
            [self.world.pythons[self.version], "-m", "airflow", "connections", "create-default-connections"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(home),
                "AIRFLOW_HOME": str(home),
                **database_variables(self.url),
                "AIRFLOW__CORE__FERNET_KEY": self.fernet_key,
            },
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def dump(self, tables=tuple(table["name"] for table in TABLES) + ("dag", "log_template")):
        """Every row of the moved tables with its xmin: equal dumps mean that nothing was even touched."""
        return {table: sorted(self.sql("SELECT xmin::text, x::text FROM {} x".format(table))) for table in tables}

    def content(self):
        """Every row of the moved tables without what two databases never share: serial ids and row versions."""
        return {
            table["name"]: sorted(
                row[0]
                for row in self.sql(
                    "SELECT (to_jsonb(x) - '{{id,dag_run_id,dataset_id,event_id}}'::text[])::text FROM {} x".format(table["name"])
                )
            )
            for table in TABLES
            if not table["secret"]
        }

    def staging_tables(self):
        return [row[0] for row in self.sql("SELECT relname FROM pg_class WHERE relname LIKE 'mwaa\\_migrate%'")]

    def close(self):
        self.connection.close()


class Migration:
    """One migration between two environments, as the action drives it: writes jobs, renders the shipped DAG files, reads results."""

    def __init__(self, world, source, target, bucket):
        self.world, self.source, self.target, self.bucket = world, source, target, bucket
        self.id = "test-" + uuid.uuid4().hex[:6]
        self.short_hash = hashlib.sha256(self.id.encode()).hexdigest()[:8]
        self.attempt = 1
        self.metadata = {"historyDays": None, "auditLogDays": None, "xcom": True, "variables": True, "connections": True}
        self.metadata.update({"dags": {"include": [], "exclude": []}, "xcomMaxBytes": None, "jobs": False, "taskReschedule": False})
        self.metadata["onConflict"] = {"variables": "keep", "connections": "keep", "pools": "keep"}
        self.drain = {"timeoutMinutes": 60, "taskMinutes": 30, "leftover": "resume", "resumeDeferred": False}
        self.cutover = {"canary": [], "canaryMinutes": 60, "batchSize": 0, "batchPauseSeconds": 0, "missedIntervals": "report"}
        self.earlier_attempts, self.earlier_manifests, self.earlier_ran, self.ran = [], [], [], None
        self.earlier_brought = []
        self.mode, self.envelope, self.active_dags, self.manifest = "final", None, [], None
        self.since = None
        self.constants = {
            "PROGRESS_SECONDS = 3": "PROGRESS_SECONDS = 0.2",
            "POLL_SECONDS = 5": "POLL_SECONDS = 0.2",
            "POLL_SECONDS = 3": "POLL_SECONDS = 0.2",
        }
        self.tries, self.env = {}, {}
        self.expires_at = "2999-01-01T00:00:00Z"

    def end(self):
        self.source.close()
        self.target.close()

    @property
    def prefix(self):
        return "data/migration/{}_to_{}/{}/{}/".format(self.source.version, self.target.version, self.id, self.attempt)

    def next_attempt(self):
        """As the action's next final export into the same target: what was imported before is named in the job."""
        self.attempt += 1
        self.earlier_manifests, self.manifest = self.earlier_manifests + [self.manifest], None

    def side(self, command):
        return "target" if command in ("keypair", "import", "verify", "activate", "deactivate") else "source"

    def render(self, command, side=None):
        side = side or self.side(command)
        job = {
            "schema": 1,
            "migrationId": self.id,
            "attempt": self.attempt,
            "side": side,
            "mode": self.mode,
            "sourceVersion": self.source.version,
            "targetVersion": self.target.version,
            "tables": TABLES,
            "metadata": self.metadata,
            "drain": self.drain,
            "cutover": self.cutover,
            "envelope": self.envelope,
            "activeDags": self.active_dags,
            "earlierAttempts": self.earlier_attempts,
            "earlierManifests": self.earlier_manifests,
            "earlierBrought": self.earlier_brought,
            "earlierRan": self.earlier_ran,
            "ran": self.ran,
            **({"since": self.since} if self.since else {}),
        }
        body = json.dumps(job).encode()
        key = "{}{}/job.json".format(self.prefix, command)
        self.world.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        name = "db_export" if side == "source" else "db_import"
        rendered = {
            "schema": 1,
            "migrationId": self.id,
            "attempt": self.attempt,
            "side": side,
            "dagId": name,
            "shortHash": self.short_hash,
            "bucket": self.bucket,
            "bucketOwner": OWNER,
            "bucketRegion": "eu-west-1",
            "prefix": self.prefix,
            "job": {"key": key, "sha256": hashlib.sha256(body).hexdigest()},
            "expiresAt": self.expires_at,
            "manifest": self.manifest,
        }
        text = (self.world.folder / "shipped" / (name + ".py")).read_text()
        line = "RENDERED = None  # mwaa-migrate: rendered"
        assert text.count(line) == 1
        text = text.replace(line, "RENDERED = json.loads({})".format(json.dumps(json.dumps(rendered))))
        for old, new in self.constants.items():
            text = text.replace(old, new)
        path = self.world.folder / "{}-{}-{}.py".format(name, self.id, uuid.uuid4().hex[:6])
        path.write_text(text)
        return path

    def start(self, command, side=None, run_id=None, conf=None, stop_at=None):
        side = side or self.side(command)
        environment = self.source if side == "source" else self.target
        number = self.tries[command] = self.tries.get(command, 0) + 1
        self.log = self.world.folder / "{}-{}-{}-{}.txt".format(self.id, self.attempt, command, number)
        env = {
            **database_variables(environment.url),
            "AIRFLOW__CORE__FERNET_KEY": environment.fernet_key,
            "AWS_ENDPOINT_URL": self.world.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "STOP_AT": stop_at or "",
            **self.env,
        }
        worker = self.world.worker(environment.version)
        job, pid = worker.start(
            self.render(command, side),
            run_id or "{}-{}-{}".format(command, self.attempt, number),
            {"attempt": self.attempt} if conf is None else conf,
            env,
            self.log,
        )
        return worker, job, pid

    def run(self, command, side=None, **options):
        """The result object of one command; the task's end agrees with it."""
        worker, job, _ = self.start(command, side, **options)
        code = worker.wait(job)
        result = self.read_json("{}/result.json".format(command))
        assert result is not None, self.log.read_text()
        assert (result["status"] == "done") == (code == 0), self.log.read_text()
        return result

    def data(self, command, side=None):
        result = self.run(command, side)
        assert result["status"] == "done", "{}\n{}".format(result, self.log.read_text())
        return result["data"]

    def kill_at(self, command, text, timeout=60):
        """SIGKILL the command at the moment when it says the text; it stands still there, so the moment is exact."""
        worker, job, pid = self.start(command, stop_at=text)
        deadline = time.time() + timeout
        while time.time() < deadline:
            if self.log.exists() and text in self.log.read_text():
                os.kill(pid, 9)
                assert worker.wait(job) == 9
                return
            time.sleep(0.02)
        raise AssertionError("{!r} never came:\n{}".format(text, self.log.read_text()))

    def read(self, name):
        try:
            return self.world.s3.get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"].read()
        except self.world.s3.exceptions.NoSuchKey:
            return None

    def read_json(self, name):
        body = self.read(name)
        return None if body is None else json.loads(body)

    def write_json(self, name, value):
        """As an earlier command wrote it; returns its ObjectRef (protocol.ts)."""
        body, key = json.dumps(value).encode(), self.prefix + name
        version = self.world.s3.put_object(Bucket=self.bucket, Key=key, Body=body)["VersionId"]
        return {"key": key, "versionId": version, "sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}

    def make_key(self):
        made = self.data("keypair")
        public = self.target.variables()[made["variable"]][0]
        self.envelope = {"wrap": "rsa", "publicKeyPem": public, "fingerprint": made["fingerprint"]}

    def export(self):
        if self.envelope is None and self.mode == "final":
            self.make_key()
        self.manifest = self.data("export")["manifest"]
        return json.loads(self.read("export/manifest.json"))


def make_migration(world, source, target):
    """A Migration between two new Environments of these versions of Airflow, with a bucket of its own. `end` it."""
    bucket = "b-" + uuid.uuid4().hex[:10]
    world.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    world.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return Migration(world, Environment(world, source), Environment(world, target), bucket)


@pytest.fixture
def migration(world):
    made = make_migration(world, SOURCE, TARGET)
    yield made
    made.end()


@pytest.fixture
def migrate(world):
    """`migrate(source version, target version)` → Migration."""
    made = []

    def make(source, target):
        made.append(make_migration(world, source, target))
        return made[-1]

    yield make
    for one in made:
        one.end()


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: minutes of a real scheduler; `npm run test:slow` runs these, `npm test` does not")
