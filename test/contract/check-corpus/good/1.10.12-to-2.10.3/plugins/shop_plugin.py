"""The shop's names in templates."""

from airflow.plugins_manager import AirflowPlugin


def article(day):
    return "article-of-" + day


class ShopPlugin(AirflowPlugin):
    name = "shop_plugin"
    macros = [article]
