"""A daily workflow with catchup: exactly twenty intervals have been run when its history is moved."""
import pendulum
from airflow.decorators import dag, task
from airflow.models import Variable
from airflow.operators.empty import EmptyOperator
from sales_calendar import DailyWhileBooksAreOpen

# The last day the books are open for. With 2026-06-20 twenty days are due; the tests move it on by one day to see the
# scheduler of the target go on with 2026-06-21, and with no other interval.
LAST_DAY = "2026-06-20"


@dag(
    schedule=DailyWhileBooksAreOpen(LAST_DAY),
    start_date=pendulum.datetime(2026, 6, 1, tz="UTC"),
    catchup=True,
    tags=["sales", "catchup"],
)
def daily_sales():
    @task(pool="sales_pool", templates_dict={"week": "{{ macros.sales_calendar.week_of(ds) }}"})
    def extract(ds=None, templates_dict=None):
        # The Variable is a secret: only that it can be read here is told.
        return {"day": ds, "week": templates_dict["week"], "region_known": bool(Variable.get("sales_region"))}

    # Runs on the day after only if the day before is known to have succeeded: history that did not arrive shows at once.
    load = EmptyOperator(task_id="load", depends_on_past=True)
    extract() >> load >> EmptyOperator(task_id="publish")


daily_sales()
