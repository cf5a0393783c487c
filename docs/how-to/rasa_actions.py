"""An example action server of a shop: `SANIC_HOST=127.0.0.1 python -m rasa_sdk --actions rasa_actions --port 5055`.

Nothing in it knows Frontdesk: it is what any action server for Rasa is.
"""

from datetime import datetime, timedelta
from typing import Any

from rasa_sdk import Action, ActionExecutionRejection, Tracker
from rasa_sdk.events import ReminderScheduled, SlotSet
from rasa_sdk.executor import CollectingDispatcher

Events = list[dict[str, Any]]

ORDERS = {
    "A-10442": {"where": "in Dallas", "eta": "2026-12-01", "cancelled": False},
    "A-10555": {"where": "delivered", "eta": None, "cancelled": False},
}
DONE: set[str] = set()
"""Runs that were carried out: Frontdesk names the run in every call, so that a second one can be told."""


class OrderStatus(Action):
    def name(self) -> str:
        return "action_order_status"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        number = str(tracker.get_slot("order")).upper()
        order = ORDERS.get(number)
        if order is None:
            dispatcher.utter_message(response="utter_no_order", number=number)
            return [SlotSet("requested_slot", "order")]
        said = "was cancelled" if order["cancelled"] else f"is {order['where']}"
        dispatcher.utter_message(text=f"Order {number} {said}.")
        return [SlotSet("eta", order["eta"])]


class CancelOrder(Action):
    def name(self) -> str:
        return "action_cancel_order"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        number = str(tracker.get_slot("order")).upper()
        order = ORDERS.get(number)
        if order is None or order["where"] == "delivered":
            raise ActionExecutionRejection(self.name(), "it cannot be cancelled any more")
        run = tracker.latest_message["metadata"]["run"]
        if run not in DONE:
            DONE.add(run)
            order["cancelled"] = True
        dispatcher.utter_message(
            text=f"Order {number} is cancelled.", buttons=[{"title": "Refund", "payload": "/refund"}]
        )
        return [SlotSet("order", number), SlotSet("internal_note", "not declared, so not kept")]


class RemindMe(Action):
    def name(self) -> str:
        return "action_remind_me"

    def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> Events:
        asked_at = datetime.fromtimestamp(tracker.events[-1]["timestamp"]).astimezone()
        dispatcher.utter_message(text="I will tell you in two days where it is.")
        return [ReminderScheduled("action_order_status", asked_at + timedelta(days=2), name="where")]
