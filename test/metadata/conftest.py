"""Databases of real Airflow releases, filled with every shape of history, and migrations between them.

What makes and drives the environments is test/dags/conftest.py, which pytest loads under this file's name too: here it is `dags_conftest`.
"""

import importlib.util
import pathlib
import sys

import pytest

DAGS = pathlib.Path(__file__).resolve().parents[1] / "dags"
spec = importlib.util.spec_from_file_location("dags_conftest", DAGS / "conftest.py")
dags_conftest = importlib.util.module_from_spec(spec)
sys.modules["dags_conftest"] = dags_conftest
spec.loader.exec_module(dags_conftest)
world, migrate, pytest_configure = dags_conftest.world, dags_conftest.migrate, dags_conftest.pytest_configure

from databases import Databases  # noqa: E402
from oracle import Oracles  # noqa: E402


@pytest.fixture(scope="session")
def databases(world):
    return Databases(world)


@pytest.fixture(scope="session")
def oracles(databases):
    return Oracles(databases)
