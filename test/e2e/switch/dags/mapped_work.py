"""Mapped over the result of a task: once not expanded yet, once in part, when the drain comes."""
import pendulum
from airflow.decorators import dag, task
from ledger import work


@dag(schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False)
def mapped_work():
    @task
    def numbers(ti=None):
        work(ti)
        return [1, 2, 3, 4]

    @task
    def hold(ti=None):
        work(ti, gate="mapped")

    # Two at a time: when the first is done, two wait at the gate, and the fourth for a place.
    @task(max_active_tis_per_dagrun=2)
    def in_part(number, ti=None):
        work(ti, gate=None if number == 1 else "mapped", told={"number": number})
        return number * number

    @task
    def not_yet(number, ti=None):
        work(ti, told={"number": number})
        return number * number

    @task
    def total(these, those, ti=None):
        work(ti, told={"sum": sum(these) + sum(those)})

    given = numbers()
    later = not_yet.expand(number=given)
    hold() >> later
    total(in_part.expand(number=given), later)


mapped_work()
