"""Looks for an open gate from the triggerer."""
import asyncio

from airflow.triggers.base import BaseTrigger, TriggerEvent
from ledger import is_open


class GateTrigger(BaseTrigger):
    def __init__(self, gate):
        super().__init__()
        self.gate = gate

    def serialize(self):
        return "gate_trigger.GateTrigger", {"gate": self.gate}

    async def run(self):
        while not is_open(self.gate):
            await asyncio.sleep(0.5)
        yield TriggerEvent(self.gate)
