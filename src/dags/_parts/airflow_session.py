"""Airflow's own objects and SQL in one transaction: runs are made by Airflow's code, everything else by statements beside it."""
from _parts.database import DEADLOCK_DETECTED, DEADLOCKS, SESSION


def settle_with_session(work):
    """`work(cursor, session)` in one transaction that counts when it commits; done again where PostgreSQL ended it for a deadlock.

    `cursor` is psycopg2's, on the very connection that the SQLAlchemy session uses.
    """
    from airflow import settings
    for left in reversed(range(DEADLOCKS)):
        session = settings.Session.session_factory()
        try:
            cursor = session.connection().connection.cursor()
            for statement in SESSION:
                cursor.execute(statement)
            answer = work(cursor, session)
            session.commit()
            return answer
        except Exception as error:
            session.rollback()
            cause = getattr(error, "orig", None) or error  # SQLAlchemy wraps what psycopg2 says.
            if not left or getattr(cause, "pgcode", None) != DEADLOCK_DETECTED:
                raise cause
        finally:
            session.close()
