"""What differs between Airflow's releases, 1.10 to 3.3, where a DAG file is loaded: classes, places, processes. Runs on Python 3.7 to 3.12."""

import datetime
import importlib
import os
import re
import sys


def version():
    """:returns: e.g. ``(2, 10)``."""
    import airflow

    return tuple(int(number) for number in re.findall(r"\d+", airflow.__version__)[:2])


def warm_up():
    """Import what every file needs, so that children share it. Runs no code of the user."""
    import airflow.models  # noqa: F401
    import airflow.utils.file  # noqa: F401

    _dag_bag_class()
    # A first DAG through all of it: schemas are read, and patterns compiled, once.
    from airflow.models.dag import DAG

    schedule = {"schedule" if version() >= (2, 4) else "schedule_interval": "@daily"}
    # Without a zone, so that it gets one of Airflow's own: 2.2 stores no other.
    dag = DAG("warm_up", start_date=datetime.datetime(2020, 1, 1), **schedule)  # noqa: DTZ001
    if stores_dags():
        serializer().to_dict(dag)


def make_database():
    """Tables of Airflow 1's and 2's metadata database, empty: code that looks into them while it is parsed finds no row, as in a new environment.

    In memory: each child has the copy that fork gives it, and no file can change what another finds.
    Airflow 3 lets no DAG file near its database, so there is none.
    """
    if version() >= (3, 0):
        return
    from airflow import models, settings
    from airflow.models.base import Base
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    # Before 2.3 the package imports them all by itself.
    if hasattr(models, "import_all_models"):
        models.import_all_models()
    # Notes refer to the table of users, which belongs to the FAB provider since 2.9.
    for name in ("airflow.providers.fab.auth_manager.models", "airflow.auth.managers.fab.models"):
        try:
            importlib.import_module(name)
            break
        except ImportError:
            continue
    settings.engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    settings.Session.remove()
    settings.Session.configure(bind=settings.engine)
    Base.metadata.create_all(settings.engine)


def dag_files(folder):
    """Paths below ``folder`` that Airflow's DAG processor would look at: .airflowignore, zip files, safe mode."""
    from airflow.configuration import conf
    from airflow.utils import file

    safe = conf.getboolean("core", "dag_discovery_safe_mode")
    # Up to 2.0 find_dag_file_paths is a part of the other one; Airflow 3 has it alone.
    found = file.find_dag_file_paths(folder, safe) if version() >= (2, 7) else file.list_py_file_paths(folder, safe_mode=safe, include_examples=False)
    return [os.path.relpath(path, folder) for path in found]


def open_bag(path, folder):
    """:returns: Airflow's DagBag of one file; it loads the file."""
    kind = _dag_bag_class()
    try:
        return kind(dag_folder=path, include_examples=False)
    except TypeError:
        pass
    # Airflow 3.1 on: no examples any more, and the folder is a bundle.
    from pathlib import Path

    # As BundleDagBag does, the processor's own kind; DagBag itself does it no more.
    if folder not in sys.path:
        sys.path.append(folder)
    return kind(dag_folder=path, bundle_path=Path(folder), bundle_name=None)


def like_the_processor(load_secrets):
    """What Airflow's DAG processor does to the process in which a file is parsed."""
    if version() == (2, 2):
        # It knows a timetable by its class object, and plugins that are loaded after the file, from the same module, bring another one.
        plugin_errors()
    if version() < (3, 0):
        return
    os.environ["_AIRFLOW_PROCESS_CONTEXT"] = "client"
    from airflow.sdk.execution_time import supervisor, task_runner

    task_runner.SUPERVISOR_COMMS = load_secrets.NoSupervisor()
    supervisor.block_orm_access()


def plugin_errors():
    """:returns: what Airflow could not import, by place."""
    from airflow import plugins_manager

    if hasattr(plugins_manager, "_get_plugins"):
        _, errors = plugins_manager._get_plugins()
        return errors
    # 1.10 has loaded them by now.
    if hasattr(plugins_manager, "ensure_plugins_loaded"):
        plugins_manager.ensure_plugins_loaded()
    return plugins_manager.import_errors


def stores_dags():
    """Whether a DAG counts only where it can be stored: since 2.0 the scheduler knows no other."""
    return version() >= (2, 0)


def serializer():
    from airflow.serialization import serialized_objects

    return getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG


def _dag_bag_class():
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:
        from airflow.models.dagbag import DagBag
    return DagBag
