"""Takes its operator from a module of the DAG folder, and a macro from a plugin."""

from datetime import datetime

from airflow import DAG
from shop_operators import ShopOperator

dag = DAG("own_operator", start_date=datetime(2024, 1, 1), catchup=False)
ShopOperator(task_id="price", article="{{ macros.shop_plugin.article(ds) }}", dag=dag)
