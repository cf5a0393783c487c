"""What a provider still holds after its webhook failed is fetched, once."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from frontdesk.stories.stage import Stage
from store import channels
from tests.rig import QUESTION, Desk
from workers.sweep import SweepWorker

MakeDesk = Callable[..., Awaitable[Desk]]
PICTURE = {"content_type": "image/png", "data_base64": "iVBORw0KGgo=", "name": "x.png"}


@pytest.fixture
async def desk(make_desk: MakeDesk, stage: Stage) -> Desk:
    """The simulator lives in our time; so does this desk."""
    stage.clock.frozen = datetime.now(UTC) - timedelta(minutes=5)
    opened = await make_desk()
    stage.clock.frozen = datetime.now(UTC)
    return opened


def deaf(desk: Desk, url: str = "http://127.0.0.1:9/nobody") -> None:
    desk.stage.provider.state.add_number(desk.credentials["account_sid"], desk.number, {"SmsUrl": url})


async def sweep(desk: Desk, worker: SweepWorker | None = None) -> None:
    desk.stage.clock.frozen = datetime.now(UTC) + timedelta(minutes=1)
    worker = worker or SweepWorker(desk.rt, desk.workspace_id)
    worker._next.clear()
    for due in await worker.claim(8):
        await worker.work(due)


async def test_a_message_without_a_webhook_is_fetched_and_answered(desk: Desk) -> None:
    deaf(desk)
    assert await desk.text(QUESTION) == [None]
    assert await desk.messages() == []
    await sweep(desk)
    assert await desk.said("contact") == [QUESTION]
    await desk.settle()
    assert len(desk.ledger()) == 1


async def test_what_was_received_is_passed_over_and_order_is_kept(desk: Desk) -> None:
    await desk.text("one")
    deaf(desk)
    await desk.text("two")
    await desk.text("three")
    deaf(desk, desk.url())
    await desk.text("four")
    worker = SweepWorker(desk.rt, desk.workspace_id)
    for _ in range(3):
        await sweep(desk, worker)
    assert await desk.said("contact") == ["one", "four", "two", "three"]


async def test_a_young_message_is_left_to_its_webhook(desk: Desk) -> None:
    deaf(desk)
    await desk.text(QUESTION)
    worker = SweepWorker(desk.rt, desk.workspace_id)
    for due in await worker.claim(8):
        await worker.work(due)
    assert await desk.messages() == []


async def test_stop_is_obeyed_and_a_picture_is_announced(desk: Desk) -> None:
    deaf(desk)
    await desk.text("", media=[PICTURE])
    await sweep(desk)
    (message,) = await desk.messages()
    assert [one["type"] for one in message.attachments] == ["image/png"]
    await desk.text("STOP")
    await sweep(desk)
    assert await desk.consent() == "opted_out"


async def test_nothing_from_before_the_channel_was_opened(desk: Desk, make_desk: MakeDesk) -> None:
    deaf(desk)
    await desk.text(QUESTION)
    desk.stage.clock.frozen = datetime.now(UTC) + timedelta(seconds=30)
    newer = await make_desk(channel={"address": desk.number})
    desk.stage.clock.frozen = datetime.now(UTC) + timedelta(minutes=1)
    async with desk.rt.db.transaction(newer.workspace_id) as tx:
        opened = await channels.opened_at(tx, newer.channel_id, timedelta(hours=24))
    assert opened >= datetime.now(UTC) - timedelta(minutes=1)


async def test_a_number_of_two_workspaces_is_swept_for_neither(desk: Desk, make_desk: MakeDesk) -> None:
    await make_desk(channel={"address": desk.number})
    assert list(await SweepWorker(desk.rt, desk.workspace_id).claim(8)) == []


@pytest.mark.parametrize("trouble", ["html_error", "drop_before", "bad_json", "unauthorized"])
async def test_a_list_that_does_not_come_is_asked_for_again(desk: Desk, trouble: str) -> None:
    deaf(desk)
    await desk.text(QUESTION)
    rule: dict[str, Any] = {"kind": trouble, "route": "messages.list", "count": 1}
    desk.stage.provider.state.chaos.load([rule])
    worker = SweepWorker(desk.rt, desk.workspace_id)
    await sweep(desk, worker)
    assert await desk.messages() == []
    await sweep(desk, worker)
    assert await desk.said("contact") == [QUESTION]
