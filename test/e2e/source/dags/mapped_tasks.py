"""Tasks mapped over lists, over nothing, over a dictionary (``task_map.keys``) and over the results of mapped tasks; runs once."""
import pendulum
from airflow.decorators import dag, task


@dag(schedule="@once", start_date=pendulum.datetime(2026, 5, 1, tz="UTC"), catchup=True, tags=["mapped"])
def mapped_tasks():
    @task
    def numbers():
        return [1, 2, 3]

    @task
    def nothing():
        return []

    @task
    def prices():
        return {"apple": 3, "größe \"L\"\r\n\\N": 4}

    @task
    def square(number):
        return number * number

    @task
    def never(number):
        raise AssertionError(f"mapped over nothing, but ran with {number}")

    @task
    def label(item, prefix):
        return f"{prefix}:{item[0]}={item[1]}"

    @task(trigger_rule="none_failed")
    def add_up(squares):
        return sum(squares)

    squares = square.expand(number=numbers())
    never.expand(number=nothing())
    label.partial(prefix="price").expand(item=prices())
    # Again one by one: a mapped task whose argument is the XCom of a mapped task.
    square.override(task_id="square_again").expand(number=squares)
    add_up(squares)


mapped_tasks()
