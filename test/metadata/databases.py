"""Databases that tests share: each source version filled once, cloned as often as one is needed."""

import base64
import hashlib
import json
import pathlib
import types
import uuid

import psycopg2
import shapes
from cryptography.fernet import Fernet
from dags_conftest import Environment, database_variables


class Databases:
    """All databases of one run of the tests."""

    def __init__(self, world):
        self.world = world
        self._filled = {}

    def filled(self, version):
        """Name of the source of this version with every shape in it. Nobody is connected to it."""
        if version not in self._filled:
            environment = Environment(self.world, version)
            use_key(environment, key_of(version))
            shapes.fill(environment)
            environment.close()
            self._filled[version] = environment.name
        return self._filled[version]

    def copy_of_filled(self, version):
        """Such a source to work on: an Environment."""
        name = self.filled(version)
        lent = types.SimpleNamespace(need=lambda _: None, templates={version: name}, database_url=self.world.database_url)
        environment = Environment(lent, version)
        environment.world = self.world
        use_key(environment, key_of(version))
        return environment

    def drop(self, environment):
        environment.close()
        admin = psycopg2.connect(self.world.database_url.replace("+psycopg2", ""))
        admin.autocommit = True
        admin.cursor().execute('DROP DATABASE "{}" WITH (FORCE)'.format(environment.name))
        admin.close()

    def call(self, environment, version, name, **arguments):
        """A function of inside.py in the real Airflow of this version, on this database. Its answer; a failure shows Airflow's log."""
        here = pathlib.Path(__file__).parent
        mark = uuid.uuid4().hex[:8]
        log, answer = (self.world.folder / "{}-{}.{}".format(name, mark, kind) for kind in ("txt", "json"))
        env = {**database_variables(environment.url), "AIRFLOW__CORE__FERNET_KEY": environment.fernet_key, "STOP_AT": ""}
        conf = {"call": name, "arguments": arguments, "answer": str(answer)}
        worker = self.world.worker(version)
        number, _ = worker.start(here / "inside.py", "none", conf, env, log)
        assert worker.wait(number, timeout=1200) == 0, log.read_text()[-6000:]
        return json.loads(answer.read_text())


def key_of(version):
    """A source's Fernet key: the same in every run, so that what is made from it can be kept."""
    return base64.urlsafe_b64encode(hashlib.sha256(b"filled " + version.encode()).digest()).decode()


def use_key(environment, key):
    environment.fernet_key, environment.fernet = key, Fernet(key)
