"""A reminder outside the provider's 24 hours: it waits for its template, is never lost, and people know."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.booking import HoldTime, Opening
from frontdesk import doctor_booking
from store import appointments
from store.db import new_id
from tests.calendar_rig import talk_of
from tests.rig import NOW, Desk

MakeDesk = Callable[..., Awaitable[Desk]]
BODY = {
    "body": "Reminder of your {{1}} on {{2}}. Reply C to confirm.",
    "variables": ["appointment.service", "appointment.start"],
}
TEMPLATE = {"name": "appointment_reminder", **BODY}


def whatsapp(templates: list[dict[str, Any]], with_: str | None) -> dict[str, Any]:
    booking: dict[str, Any] = {"services": [{"name": "cleaning", "minutes": 45}], "ask_name": False}
    booking |= {"remind_with": with_} if with_ else {}
    channel = {"kind": "twilio_whatsapp"}
    return {"skills": {"booking": booking}, "templates": templates, "channel": channel}


async def waits_for_reminder(desk: Desk) -> None:
    """Booked for in three days, a customer is to be reminded two days from now."""
    number = f"whatsapp:{desk.number}"
    account = desk.stage.provider.state.config.account_sid
    desk.stage.provider.state.add_number(account, number, {"SmsUrl": desk.url()})
    desk.number, desk.handset = number, f"whatsapp:{desk.handset}"
    await desk.text("hello")
    await desk.settle()
    talk, contact = await talk_of(desk)
    start = NOW + timedelta(days=3)
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        held = HoldTime(
            new_id(),
            contact,
            talk,
            "cleaning",
            Opening(start, start + timedelta(minutes=45), "*", 0),
            timedelta(0),
            tx.now,
        )
        await appointments.make(tx, held, None, (timedelta(hours=24),), "person:test")
    desk.wait(days=2)
    await desk.settle()


REASONS = "select reason, times from notification where reason = 'reminder_needs_template'"


async def test_without_a_template_it_waits_and_is_said_when_they_write(make_desk: MakeDesk) -> None:
    desk = await make_desk(**whatsapp([], None))
    await waits_for_reminder(desk)
    assert [(one.state, one.reason) for one in await desk.deliveries()][-1] == ("queued", "needs_template")
    assert [row.reason for row in await desk.rows(REASONS)] == ["reminder_needs_template"]
    assert any(
        "no template for reminders" in one.said
        for one in await doctor_booking.reminders(desk.rt, desk.workspace_id, "x")
    )
    await desk.text("hi, are you open tomorrow?")
    await desk.settle()
    assert desk.ledger()[1].startswith("Reminder: your cleaning")
    assert len(desk.ledger()) == 3


async def test_it_goes_when_its_template_is_approved_at_last(make_desk: MakeDesk) -> None:
    desk = await make_desk(**whatsapp([TEMPLATE], "appointment_reminder"))
    await desk.settle()
    await desk.rows(
        "update template_version set status = 'submitted', next_check_at = 'infinity' returning 1"
    )
    await waits_for_reminder(desk)
    assert len(desk.ledger()) == 1
    await desk.rows("update template_version set next_check_at = frontdesk_now() returning 1")
    await desk.settle()
    await desk.settle()
    assert desk.ledger()[-1] == "Reminder of your cleaning on Thu, Mar 5 at 10:00 AM. Reply C to confirm."
    assert await desk.states() == ["delivered", "cancelled", "delivered"]
    await desk.text("C")
    await desk.settle()
    assert "confirmed" in desk.ledger()[-1]


@pytest.mark.parametrize("change", ["cancelled", "begun"])
async def test_nobody_is_reminded_of_what_is_off_or_begun(make_desk: MakeDesk, change: str) -> None:
    desk = await make_desk(**whatsapp([], None))
    await waits_for_reminder(desk)
    if change == "cancelled":
        async with desk.rt.db.transaction(desk.workspace_id) as tx:
            (row,) = await desk.rows("select id from appointment")
            mine = await appointments.take(tx, row.id)
            assert mine is not None
            await appointments.mark(tx, mine, "cancelled", "person:test")
    else:
        desk.wait(days=1, minutes=1)
        await desk.settle()
    await desk.text("hello again")
    await desk.settle()
    assert not any("Reminder" in one for one in desk.ledger())


@pytest.mark.parametrize(
    ("templates", "with_", "state", "says"),
    [
        ([], None, "note", "no template for reminders"),
        ([TEMPLATE], "appointment_reminder", "ok", "appointment_reminder"),
        ([{**TEMPLATE, "name": "other"}], "appointment_reminder", "wrong", "no template named"),
    ],
)
async def test_doctor_says_which_template_is_missing(
    make_desk: MakeDesk, templates: list[dict[str, Any]], with_: str | None, state: str, says: str
) -> None:
    desk = await make_desk(**whatsapp(templates, with_))
    await desk.settle()
    (found,) = await doctor_booking.reminders(desk.rt, desk.workspace_id, "clinic")
    assert (found.state, says in found.said) == (state, True), found
