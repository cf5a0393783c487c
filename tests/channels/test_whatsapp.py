"""WhatsApp through the real door, store and workers, against Meta and Twilio on loopback."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from domain.messages import Button
from frontdesk.stories.stage import Stage
from frontdesk.stories.wires import Said, Wire, wire_of
from runtime import files
from store import channels, conversations, outbox, people, templates
from store.channels import ChannelRow
from store.outbox import NewMessage
from tests.rig import NOW, QUESTION, ROOT, Desk, business, new_number

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
REOPEN = {
    "policy": {"reopen_with": "back"},
    "templates": [
        {"name": "back", "body": "Hi {{1}}, we have news. Please reply.", "variables": ["contact.name"]}
    ],
}


@dataclass
class Shop(Desk):
    """A business on WhatsApp."""

    wire: Wire
    row: ChannelRow

    async def say(self, words: str, **more: Any) -> list[dict[str, Any]]:
        return await self.wire.say(self.row, self.handset, Said(words, **more))

    async def settle(self) -> None:
        await self.stage.settle(self.workspace_id)
        while self.wire.running():
            for task in self.wire.running():
                await task
            await self.stage.settle(self.workspace_id)

    @property
    def meta(self) -> Any:
        return self.stage.meta.state


async def open_shop(stage: Stage, kind: str = "meta_whatsapp", **changes: Any) -> Shop:
    wire, number = wire_of(stage, kind), new_number()
    channel = {"kind": kind, "address": number, "credentials": wire.credentials(number)}
    workspace_id = await files.apply(
        stage.rt, files.check(business(channel=channel, **changes), "test", ROOT)
    )
    async with stage.rt.db.transaction(workspace_id) as tx:
        person = await people.add(tx, "owner", "Olive Owner", "olive@example.com")
        row = (await channels.listed(tx))[0]
    wire.connect(row, stage.rt.settings.public_url)
    credentials = dict(row.credentials)
    return Shop(stage, workspace_id, person, row.id, number, new_number(), credentials, wire, row)


@pytest.fixture
async def shop(stage: Stage) -> AsyncIterator[Shop]:
    stage.clock.frozen = NOW
    yield await open_shop(stage)
    stage.meta.state.chaos.reset()
    stage.meta.state.fates.clear()


def door(shop: Shop) -> str:
    return shop.url("webhook")


async def test_the_address_is_confirmed_to_meta_only(shop: Shop) -> None:
    url = f"{shop.stage.meta.url}/sim/numbers/{shop.number}/subscribe"
    assert (await shop.rt.http.post(url)).json() == {"status": 200, "verified": True}
    stranger = (await shop.rt.http.post(url, json={"verify_token": "guess"})).json()
    assert stranger == {"status": 403, "verified": False}
    other = await open_shop(shop.stage, "twilio_whatsapp")
    assert (await shop.rt.http.get(door(other))).status_code == 404


async def test_a_forged_webhook_learns_nothing(shop: Shop) -> None:
    number = shop.meta.find_number(shop.number)
    url = f"{shop.stage.meta.url}/sim/handsets/{shop.handset}/messages"
    body = {"to": shop.number, "body": "hi", "sign_with": "a guess"}
    (answer,) = (await shop.rt.http.post(url, json=body)).json()["webhook"]
    assert answer["status"] == 403
    assert number.app_secret not in answer["answer"]
    assert "sha256=" not in answer["answer"]
    assert await shop.rows("select 1 from inbound_receipt") == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"object":"whatsapp_business_account","entry":[7]}'])
async def test_what_is_signed_is_acknowledged_whatever_it_says(shop: Shop, body: bytes) -> None:
    from simulators.meta.webhooks import sign

    headers = {
        "x-hub-signature-256": sign(shop.credentials["app_secret"], body),
        "content-type": "application/json",
    }
    reply: httpx2.Response = await shop.rt.http.post(door(shop), content=body, headers=headers)
    assert (reply.status_code, reply.text) == (200, "")


async def test_once_however_often_it_comes_and_read_at_once(shop: Shop) -> None:
    await shop.say(QUESTION, times=5)
    await shop.settle()
    assert len(await shop.said("contact")) == 1
    assert await shop.states() == ["delivered"]
    assert all(
        one.seen for one in shop.meta.messages.values() if one.peer == shop.handset[1:] and not one.outbound
    )


async def test_an_attachment_is_fetched_in_two_steps_and_checked(shop: Shop) -> None:
    media = [{"content_type": "image/png", "data_base64": PIXEL}]
    await shop.say("look", media=media)
    await shop.settle()
    (kept,) = await shop.rows("select state, sniffed_type, sha256 from attachment")
    assert (kept.state, kept.sniffed_type) == ("stored", "image/png")
    asked = [one["route"] for one in shop.meta.requests if one["route"].startswith("media")]
    assert asked[-2:] == ["media.fetch", "media.content"]


async def test_the_provider_says_that_the_window_is_over(shop: Shop) -> None:
    """Our clock said otherwise: the words wait, and leave when the customer writes."""
    await shop.say(QUESTION)
    await shop.settle()
    shop.meta.fates[shop.handset[1:]] = 131047
    await shop.person_writes("Shall I keep the place for you?")
    await shop.settle()
    last = (await shop.deliveries())[-1]
    assert (last.state, last.reason, last.error_code) == ("queued", "needs_template", "131047")
    shop.meta.fates.clear()
    await shop.say("yes")
    await shop.settle()
    assert (await shop.deliveries())[-1].state == "delivered"


async def test_without_a_template_the_words_wait_and_nothing_else_happens(shop: Shop) -> None:
    await shop.say(QUESTION)
    await shop.settle()
    shop.wait(hours=25)
    await shop.person_writes("Are you still interested?")
    for _ in range(3):
        await shop.settle()
        shop.wait(hours=2)
    assert await shop.states() == ["delivered", "queued"]
    assert (await shop.deliveries())[-1].reason == "needs_template"
    assert len(shop.wire.sent(shop.handset)) == 1


async def test_a_template_is_reviewed_and_asks_once_a_silence(stage: Stage) -> None:
    stage.clock.frozen = NOW
    for kind in ("meta_whatsapp", "twilio_whatsapp"):
        shop = await open_shop(stage, kind, **REOPEN)
        await shop.say(QUESTION)
        await shop.settle()
        async with shop.rt.db.transaction(shop.workspace_id) as tx:
            (version,) = await templates.listed(tx, shop.channel_id)
        assert (version.status, version.provider_id is not None) == ("approved", True)
        shop.wait(hours=25)
        await shop.person_writes("First.")
        await shop.settle()
        await shop.person_writes("Second.")
        await shop.settle()
        assert len(shop.wire.sent(shop.handset)) == 2
        await shop.say("I am back")
        await shop.settle()
        assert [one.text for one in await shop.messages() if one.direction == "out"][1:4] == [
            "First.",
            "Hi Simulated Handset, we have news. Please reply.",
            "Second.",
        ]
        assert set(await shop.states()) <= {"delivered", "read"}


async def test_a_rejected_template_sends_nothing(stage: Stage) -> None:
    stage.clock.frozen = NOW
    named = [{"name": "reject_me", "body": "Buy now!"}]
    shop = await open_shop(stage, policy={"reopen_with": "reject_me"}, templates=named)
    await shop.say(QUESTION)
    await shop.settle()
    shop.wait(minutes=2)  # only its list says that it was rejected, and why
    await shop.settle()
    async with shop.rt.db.transaction(shop.workspace_id) as tx:
        (version,) = await templates.listed(tx, shop.channel_id)
    assert version.status == "rejected"
    shop.wait(hours=25)
    await shop.person_writes("Hello?")
    await shop.settle()
    assert await shop.states() == ["delivered", "queued"]


async def test_an_outcome_that_nobody_knows_is_told_by_a_status(shop: Shop) -> None:
    shop.meta.chaos.load([{"kind": "drop_after", "route": "messages.create", "to": shop.handset[1:]}])
    await shop.say(QUESTION)
    await shop.settle()
    assert await shop.states() == ["delivered"]
    assert len(shop.wire.sent(shop.handset)) == 1


async def test_an_outcome_that_stays_unknown_is_not_sent_twice(shop: Shop) -> None:
    rules = [{"kind": "drop_after"}, {"kind": "drop_callbacks"}]
    shop.meta.chaos.load([{**one, "route": "messages.create", "to": shop.handset[1:]} for one in rules])
    await shop.say(QUESTION)
    await shop.settle()
    assert await shop.states() == ["unknown"]
    shop.wait(minutes=3)
    await shop.settle()
    (left,) = await shop.deliveries()
    assert (left.state, left.reason) == ("failed", "outcome_unknown")
    assert len(shop.wire.sent(shop.handset)) == 1


async def test_buttons_are_kept_and_the_answer_names_the_one_that_was_tapped(shop: Shop) -> None:
    await shop.say(QUESTION)
    await shop.settle()
    found = await shop.conversation()
    async with shop.rt.db.transaction(shop.workspace_id) as tx:
        thread = (await shop.rows("select id from thread"))[0].id
        buttons = (Button("tue", "Tuesday"), Button("fri", "Friday"))
        new = NewMessage(found.id, thread, "human", "human", "Which day?", shop.person_id, buttons=buttons)
        await outbox.put(tx, new, shop.rt.split)
    await shop.settle()
    sent = shop.meta.messages[shop.wire.sent(shop.handset)[-1]]
    assert [one["reply"]["id"] for one in sent.body["interactive"]["action"]["buttons"]] == ["tue", "fri"]
    await shop.say("Friday", kind="button", choice="fri")
    await shop.read()
    async with shop.rt.db.transaction(shop.workspace_id) as tx:
        last = (await conversations.messages(tx, found.id, None, 100))[-1]
    assert (last.kind, last.choice, last.text) == ("choice", "fri", "Friday")


async def test_a_reaction_opens_no_window_and_names_its_message(shop: Shop) -> None:
    await shop.say(QUESTION)
    await shop.settle()
    shop.wait(hours=23)
    await shop.say("👍", kind="reaction")
    (thread,) = await shop.rows("select window_expires_at from thread")
    assert thread.window_expires_at == NOW.replace(microsecond=0) + timedelta(hours=24)
    last = (await shop.messages())[-1]
    assert (last.kind, last.text, last.reply_to) == ("reaction", "👍", shop.wire.sent(shop.handset)[-1])
