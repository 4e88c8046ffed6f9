"""Loads one DAG folder with the Airflow that runs this file, as its DAG processor would, and prints what it made of it.

The corpora's own witness: it is Airflow's ``DagBag`` and serializer and nothing of the product. Runs on 1.10.12 to 2.11
and on 3.3 (Python 3.7 to 3.12). AIRFLOW_HOME, the plugins folder and the rest come by the environment.

Argument: the DAG folder. Last line of stdout: ``LOADED`` and JSON ``{"errors": {file: text}, "dags": {id: {"file", "tasks"}},
"names": [text], "warnings": [text]}``; files are relative to the folder, ``names`` are those that templates know,
warnings those that lines of its files caused.
"""

import json
import os
import sys
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import airflow

RELEASE = tuple(int(part) for part in airflow.__version__.split(".")[:2])


def bag(folder):
    """A filled DagBag; on Airflow 3 without the database, which its DAG processor takes away from DAG files."""
    if RELEASE >= (3, 0):
        from pathlib import Path

        from airflow.dag_processing.dagbag import BundleDagBag
        from airflow.sdk.execution_time.supervisor import block_orm_access

        block_orm_access()
        return BundleDagBag(folder, bundle_path=Path(folder), bundle_name="dags")
    # MWAA's working directory and the DAG folder are importable there as here: the command line puts them on the path.
    sys.path.insert(0, folder)
    from airflow.models.dagbag import DagBag

    make_database()
    return DagBag(folder, include_examples=False)


def make_database():
    """Pools and variables: before Airflow 3 a DAG file may ask for them while it is parsed."""
    from airflow import settings
    from airflow.models import Pool, Variable

    for model in (Pool, Variable):
        model.__table__.create(settings.engine)
    session = settings.Session()
    later = {"include_deferred": False} if hasattr(Pool, "include_deferred") else {}
    session.add(Pool(pool="default_pool", slots=128, description="", **later))
    session.commit()
    session.close()


def serialize(dag):
    """What the scheduler reads of the DAG; below 2.0 it read the file itself."""
    if RELEASE >= (3, 0):
        from airflow.serialization.serialized_objects import DagSerialization

        return DagSerialization.from_dict(DagSerialization.to_dict(dag))
    if RELEASE >= (2, 0):
        from airflow.serialization.serialized_objects import SerializedDAG

        return SerializedDAG.from_dict(SerializedDAG.to_dict(dag))
    return dag


def template_names():
    """What Airflow itself lists; empty below 2.2, which has no list."""
    if RELEASE >= (3, 0):
        from airflow.sdk.definitions.context import Context

        return sorted(Context.__annotations__)
    try:
        from airflow.utils.context import KNOWN_CONTEXT_KEYS
    except ImportError:
        return []
    return sorted(KNOWN_CONTEXT_KEYS)


def main(folder):
    folder = os.path.realpath(folder)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        filled = bag(folder)
    inside = lambda file: os.path.relpath(os.path.join(folder, file), folder)  # noqa: E731
    errors = {inside(file): text for file, text in filled.import_errors.items()}
    dags = {}
    for dag_id, dag in filled.dags.items():
        file = inside(dag.fileloc)
        try:
            dags[dag_id] = {"file": file, "tasks": sorted(task.task_id for task in serialize(dag).tasks)}
        except Exception as error:
            errors[file] = "{}: {}".format(type(error).__name__, error)
    said = sorted({str(one.message) for one in caught if folder in (one.filename or "")})
    print("LOADED " + json.dumps({"errors": errors, "dags": dags, "names": template_names(), "warnings": said}))


main(sys.argv[1])
