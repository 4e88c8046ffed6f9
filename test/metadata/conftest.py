"""Databases of real Airflow releases, filled with every shape of history, and migrations between them.

What makes and drives the environments is test/dags/conftest.py, which pytest loads under this file's name too: here it is `dags_conftest`.
"""

import importlib.util
import os
import pathlib
import sys

import pytest

DAGS = pathlib.Path(__file__).resolve().parents[1] / "dags"
spec = importlib.util.spec_from_file_location("dags_conftest", DAGS / "conftest.py")
dags_conftest = importlib.util.module_from_spec(spec)
sys.modules["dags_conftest"] = dags_conftest
spec.loader.exec_module(dags_conftest)
world = dags_conftest.world

from databases import Databases  # noqa: E402
from oracle import Oracles  # noqa: E402
from results import Results  # noqa: E402


@pytest.fixture(scope="session")
def databases(world):
    return Databases(world)


@pytest.fixture(scope="session")
def oracles(databases):
    return Oracles(databases)


@pytest.fixture(scope="session")
def results():
    """The pairs that passed; written to the file that MWAA_MIGRATE_MATRIX names."""
    made = Results()
    yield made
    if os.environ.get("MWAA_MIGRATE_MATRIX"):
        made.write(os.environ["MWAA_MIGRATE_MATRIX"])


def pytest_configure(config):
    config.addinivalue_line("markers", "matrix: the pairs of versions beyond the third of `npm test`; `npm run test:matrix` runs all")
