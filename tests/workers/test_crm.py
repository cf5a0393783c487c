"""A CRM and the customers here: one contact and one note whatever fails, both sides agree, and nothing bounces."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from domain.messages import Address, Scheme
from runtime import erasing
from store import contacts, crm_changes, crm_contacts, merges
from tests.crm_rig import Linked, settings
from tests.rig import Desk, new_number
from workers.crm_writer import CrmWriter

MakeDesk = Callable[..., Awaitable[Desk]]
Json = dict[str, Any]


@pytest.fixture
async def make_linked(make_desk: MakeDesk) -> AsyncIterator[Callable[..., Awaitable[Linked]]]:
    opened: list[Linked] = []

    async def make(**changes: Any) -> Linked:
        desk = await make_desk(**(changes.pop("business", None) or settings(**changes)))
        linked = Linked(desk)
        linked.crm.forget()
        linked.crm.hook_url = f"{desk.rt.settings.public_url}/hooks/gohighlevel"
        opened.append(linked)
        return linked

    yield make
    for one in opened:
        one.crm.forget()
        await one.disconnect()


@pytest.fixture
async def linked(make_linked: Callable[..., Awaitable[Linked]]) -> Linked:
    made = await make_linked()
    await made.connect()
    return made


# --- out ---


async def test_a_customer_comes_there_with_what_the_mapping_names_and_nothing_else(linked: Linked) -> None:
    await linked.customer()
    await linked.ai_sets(budget=500, service="cleaning", health="diabetes", plan="gold")
    await linked.settle()
    there = linked.there
    assert there.fields["phone"] == linked.desk.handset
    assert there.custom == {"budget": 500, "service": "cleaning", "status": "new", "language": "en"}
    assert there.tags == ["frontdesk"]
    (row,) = await linked.rows()
    assert (row.state, row.external_id) == ("done", there.id)
    assert "diabetes" not in str(linked.crm.contacts)


async def test_many_changes_are_one_call_and_no_change_is_none(linked: Linked) -> None:
    await linked.customer()
    await linked.settle()
    before = linked.writes
    for budget in (100, 200, 300):
        await linked.ai_sets(budget=budget)
    assert await linked.write() == 1
    assert (linked.there.custom["budget"], linked.writes - before) == (300, 1)
    await linked.settle()
    assert linked.writes - before == 1


async def test_who_was_here_before_is_brought_there_when_it_is_connected(
    make_linked: Callable[..., Awaitable[Linked]],
) -> None:
    linked = await make_linked()
    await linked.customer()
    await linked.connect()
    await linked.settle()
    assert linked.there.fields["phone"] == linked.desk.handset


async def test_whoever_is_there_already_is_the_same_one(linked: Linked) -> None:
    linked.crm.person_adds(tags=("old",), phone=linked.desk.handset, name="Ann Lee", custom_budget="900")
    contact_id = await linked.customer()
    await linked.ai_sets(budget=500)
    await linked.settle()
    assert (await linked.name(contact_id), (await linked.context())["budget"]) == ("Ann Lee", 900)
    assert linked.there.custom["budget"] == "900"
    assert sorted(linked.there.tags) == ["frontdesk", "old"]


async def test_two_of_ours_are_never_one_of_theirs(linked: Linked) -> None:
    linked.crm.person_adds(phone=linked.desk.handset, email="us@example.com")
    await linked.customer()
    await linked.settle()
    async with linked.desk.rt.db.transaction(linked.desk.workspace_id) as tx:
        await contacts.create(tx, [Address(Scheme.EMAIL, "us@example.com")], "Bo", None, "person:test")
    await linked.settle()
    assert len(linked.crm.contacts) == 1
    assert sorted((row.state, row.reason) for row in await linked.rows()) == [
        ("done", None),
        ("failed", "another_contact_has_it"),
    ]


async def test_a_visitor_without_a_number_stays_here(linked: Linked) -> None:
    async with linked.desk.rt.db.transaction(linked.desk.workspace_id) as tx:
        await contacts.hold(tx, Address(Scheme.WEBCHAT, "visitor-1"))
    await linked.settle()
    assert linked.crm.contacts == {}
    assert [row.state for row in await linked.rows()] == ["done"]


async def test_without_a_mapping_nothing_goes_there(make_linked: Callable[..., Awaitable[Linked]]) -> None:
    linked = await make_linked(business={"schemas": []})
    await linked.connect()
    await linked.customer()
    await linked.settle()
    assert (linked.crm.contacts, (await linked.link()).reason) == ({}, "no_mapping")


async def test_a_field_that_is_not_there_is_told_once_and_written_when_it_is(linked: Linked) -> None:
    number = linked.crm.keys.pop("service")
    await linked.customer()
    await linked.ai_sets(service="cleaning")
    await linked.settle()
    link = await linked.link()
    assert (link.reason, list(link.missing)) == ("fields_missing", ["service"])
    told = await linked.desk.rows("select reason from notification where kind = 'crm'")
    assert [row.reason for row in told] == ["crm_fields_missing"]
    linked.crm.keys["service"] = number
    await linked.settle()
    assert linked.there.custom["service"] == "cleaning"
    assert (await linked.link()).reason is None


# --- in ---


@pytest.mark.parametrize("hooked", [True, False], ids=["told", "asked"])
async def test_what_a_person_types_there_is_here(linked: Linked, hooked: bool) -> None:
    contact_id = await linked.customer()
    await linked.settle()
    linked.crm.hook_lost = not hooked
    linked.crm.person_sets(
        linked.there.id, name="Ann Lee", custom_budget="700", custom_language="ES", custom_plan="gold"
    )
    linked.crm.person_tags(linked.there.id, add=("VIP", "secret"))
    if hooked:
        assert set(await linked.crm.deliver()) == {200}
        await linked.hear()
        await linked.write()
    else:
        await linked.settle()
    assert await linked.name(contact_id) == "Ann Lee"
    assert await linked.context() == {"budget": 700, "plan": "gold"}
    assert await linked.tags() == ["vip"]
    (row,) = await linked.desk.rows("select language from contact where id = :id", id=contact_id)
    assert row.language == "es"
    rows = await linked.desk.rows("select source, origin from context_value where field = 'budget'")
    assert [tuple(row) for row in rows] == [("import", "crm")]


async def test_a_value_of_a_person_there_is_the_business_s_word(linked: Linked) -> None:
    """The assistant leaves it alone, as it leaves what a person sets here."""
    await linked.customer()
    await linked.settle()
    linked.crm.person_sets(linked.there.id, custom_budget="700")
    await linked.settle()
    await linked.ai_sets(budget=100)
    await linked.settle()
    assert ((await linked.context())["budget"], linked.there.custom["budget"]) == (700, "700")
    await linked.person_sets(budget=800)
    await linked.settle()
    assert ((await linked.context())["budget"], linked.there.custom["budget"]) == (800, 800)


@pytest.mark.parametrize(("minutes", "wins"), [(-10, "theirs"), (10, "ours")])
async def test_of_two_persons_the_later_one_counts(linked: Linked, minutes: int, wins: str) -> None:
    await linked.customer()
    await linked.ai_sets(budget=100)
    await linked.settle()
    linked.desk.wait(minutes=30)
    if wins == "theirs":
        await linked.person_sets(budget=1)
        linked.desk.wait(minutes=-minutes)
    linked.crm.person_sets(linked.there.id, custom_budget="2")
    if wins == "ours":
        linked.desk.wait(minutes=minutes)
        await linked.person_sets(budget=1)
    await linked.settle()
    expected = 2 if wins == "theirs" else 1
    assert (await linked.context())["budget"] == int(linked.there.custom["budget"]) == expected
    assert ("budget", "taken" if wins == "theirs" else "sent") == (await linked.outcomes())[-1]


async def test_both_are_kept_in_the_history(linked: Linked) -> None:
    await linked.customer()
    await linked.ai_sets(budget=100)
    await linked.settle()
    linked.crm.person_sets(linked.there.id, custom_budget="2")
    await linked.ai_sets(budget=300)
    await linked.settle()
    async with linked.desk.rt.db.transaction(linked.desk.workspace_id) as tx:
        newest = (await crm_changes.history(tx, None, None, 1))[0]
    assert (newest["outcome"], newest["ours"], newest["theirs"]) == ("taken", 300, "2")
    rows = await linked.desk.rows("select source from context_value where field = 'budget' order by n")
    assert [row.source for row in rows] == ["ai", "ai", "import"]
    verbs = await linked.desk.rows("select verb, actor, details from audit order by n desc limit 1")
    assert tuple(verbs[0]) == ("contact_changed", "crm", {"fields": ["budget"]})


async def test_what_is_none_of_our_values_is_said_once(linked: Linked) -> None:
    await linked.customer()
    await linked.settle()
    for words in ("plenty", "10 or so 😀", "x" * 10_000):
        linked.crm.person_sets(linked.there.id, custom_budget=words)
        await linked.settle()
        await linked.settle()
    found = [one for one in await linked.outcomes() if one[0] == "budget"]
    assert set(found) <= {("budget", "unreadable"), ("budget", "taken")}
    assert len(found) <= 3


async def test_a_name_taken_off_there_stays_here(linked: Linked) -> None:
    contact_id = await linked.customer()
    await linked.person_names(contact_id, "José Ñandú 😀")
    await linked.settle()
    assert linked.there.fields["firstName"] == "José"
    linked.crm.person_sets(linked.there.id, name="")
    await linked.settle()
    assert await linked.name(contact_id) == "José Ñandú 😀"


async def test_new_ones_come_only_where_that_is_wanted(make_linked: Callable[..., Awaitable[Linked]]) -> None:
    for wanted in (False, True):
        linked = await make_linked(take_new=wanted)
        await linked.connect()
        await linked.settle()
        number = new_number()
        linked.crm.person_adds(phone=number, name="Zoe New")
        linked.crm.person_adds(name="Nobody")
        await linked.settle()
        async with linked.desk.rt.db.transaction(linked.desk.workspace_id) as tx:
            found = await contacts.find(tx, [Address(Scheme.TEL, number)])
        assert [one.name for one in found] == (["Zoe New"] if wanted else [])
        assert len(linked.crm.contacts) == 2
        await linked.disconnect()


async def test_deleted_there_it_stays_here_and_is_not_made_again(linked: Linked) -> None:
    contact_id = await linked.customer()
    await linked.settle()
    linked.crm.person_deletes(linked.there.id)
    await linked.settle()
    await linked.ai_sets(budget=5)
    await linked.settle()
    (row,) = await linked.rows()
    assert (row.state, row.reason, linked.crm.contacts) == ("left", "deleted_there", {})
    link = await linked.link()
    async with linked.desk.rt.db.transaction(linked.desk.workspace_id) as tx:
        await crm_contacts.retry(tx, link.id, contact_id)
    await linked.settle()
    assert linked.there.custom["budget"] == 5


# --- nothing bounces ---


async def test_an_echo_changes_nothing(linked: Linked) -> None:
    """Every write of ours is told back to us, five times and in any order."""
    linked.crm.hook_times, linked.crm.hook_reorder = 5, True
    contact_id = await linked.customer()
    await linked.ai_sets(budget=500, service="cleaning")
    await linked.person_names(contact_id, "Ann Lee")
    await linked.settle()
    writes, outcomes = linked.writes, len(await linked.outcomes())
    values = (await linked.desk.rows("select count(*) as n from context_value"))[0].n
    for _ in range(3):
        linked.desk.wait(minutes=3)
        await linked.settle()
    assert (linked.writes, len(await linked.outcomes())) == (writes, outcomes)
    assert (await linked.desk.rows("select count(*) as n from context_value"))[0].n == values
    assert linked.crm.waiting == []
    assert {row.state for row in await linked.rows("crm_receipt")} == {"done"}


async def test_a_value_that_the_crm_writes_its_own_way_does_not_bounce(linked: Linked) -> None:
    await linked.customer()
    async with linked.desk.rt.db.transaction(linked.desk.workspace_id) as tx:
        found = (await contacts.find(tx, [Address(Scheme.TEL, linked.desk.handset)]))[0]
        await contacts.hold_all(tx, {Address(Scheme.EMAIL, "ann@example.com"): None})
        other = (await contacts.find(tx, [Address(Scheme.EMAIL, "ann@example.com")]))[0]
        await merges.merge(tx, other.id, found.id, "person:test")
    await linked.settle()
    assert linked.there.fields["email"] == "ann@example.com"
    linked.there.fields["phone"] = (
        f"({linked.desk.handset[2:5]}) {linked.desk.handset[5:8]}-{linked.desk.handset[8:]}"
    )
    linked.crm.touch(linked.there)
    writes = linked.writes
    await linked.settle()
    await linked.settle()
    assert linked.writes == writes
    assert {(row.state, row.reason) for row in await linked.rows()} == {("done", None), ("left", "merged")}


# --- tags and conversations ---


async def test_tags_go_both_ways(linked: Linked) -> None:
    await linked.customer()
    talk = await linked.desk.conversation()
    await linked.desk.rows(
        "update conversation set tags = '{Lead,private}' where id = :id returning id", id=talk.id
    )
    await linked.settle()
    assert sorted(linked.there.tags) == ["frontdesk", "lead"]
    linked.crm.person_tags(linked.there.id, add=("vip",), remove=("lead",))
    await linked.settle()
    assert await linked.tags() == ["private", "vip"]
    linked.crm.person_tags(linked.there.id, remove=("frontdesk",))
    await linked.settle()
    assert linked.there.tags == ["vip"]


async def test_a_new_conversation_takes_nothing_away_there(linked: Linked) -> None:
    await linked.customer()
    await linked.ai_sets(budget=500)
    linked.desk.wait(minutes=1)
    await linked.settle()
    linked.crm.person_sets(linked.there.id, custom_plan="gold")
    linked.crm.person_tags(linked.there.id, add=("vip",))
    await linked.settle()
    await linked.close()
    linked.desk.wait(minutes=1)
    await linked.customer("hello again")
    await linked.settle()
    assert linked.there.custom["budget"] == 500
    assert "vip" in linked.there.tags
    assert (await linked.context(), await linked.tags()) == ({"plan": "gold"}, ["vip"])


# --- notes ---


async def test_a_closed_conversation_leaves_one_note(linked: Linked) -> None:
    await linked.customer()
    await linked.ai_sets(service="cleaning", health="diabetes")
    talk_id = await linked.close()
    await linked.settle()
    (words,) = linked.there.notes.values()
    assert words.splitlines()[:3] == ["Conversation closed", "Status: new", "Service: cleaning"]
    assert words.endswith(f"Frontdesk conversation {talk_id}")
    assert ("diabetes" in words, "hi there" in words, "Messages: 2 by text message" in words) == (
        False,
        False,
        True,
    )
    await linked.settle()
    assert linked.asked("notes.add") == 1


async def test_closed_once_more_it_is_the_same_note(linked: Linked) -> None:
    await linked.customer()
    await linked.close()
    await linked.settle()
    await linked.desk.person_writes("one more thing")
    await linked.close()
    await linked.settle()
    (words,) = linked.there.notes.values()
    assert "Messages: 3" in words
    assert (linked.asked("notes.add"), linked.asked("notes.put")) == (1, 1)


@pytest.mark.parametrize("kind", ["drop_after", "bad_json"])
async def test_a_note_whose_answer_was_lost_is_written_once(linked: Linked, kind: str) -> None:
    await linked.customer()
    await linked.settle()
    linked.trouble({"kind": kind, "route": "notes.add", "count": 1})
    await linked.close()
    await linked.write()
    linked.desk.wait(minutes=20)
    await linked.settle()
    assert len(linked.there.notes) == 1
    assert linked.asked("notes.add", "notes.list") == 2
    assert [row.state for row in await linked.rows("crm_note")] == ["done"]


async def test_where_no_note_is_wanted_there_is_none(make_linked: Callable[..., Awaitable[Linked]]) -> None:
    linked = await make_linked(note=None)
    await linked.connect()
    await linked.customer()
    await linked.close()
    await linked.settle()
    assert linked.there.notes == {}
    assert [row.state for row in await linked.rows("crm_note")] == ["done"]


# --- whether they may be written to ---


async def test_stop_here_is_do_not_disturb_there_and_start_lifts_it(linked: Linked) -> None:
    await linked.customer()
    await linked.desk.text("STOP")
    await linked.settle()
    assert linked.there.dnd == {"SMS": "active", "WhatsApp": "active"}
    linked.crm.person_stops(linked.there.id, "inactive")  # only the customer may
    linked.crm.put(linked.there, {"dndSettings": {"WhatsApp": {"status": "inactive"}}})
    await linked.settle()
    assert linked.there.dnd["SMS"] == "active"
    linked.desk.wait(minutes=1)
    await linked.start()
    await linked.settle()
    assert linked.there.dnd == {"SMS": "inactive", "WhatsApp": "inactive"}
    assert await linked.desk.consent() == "opted_in"


@pytest.mark.parametrize("status", ["active", "permanent"])
async def test_do_not_disturb_there_is_a_stop_here(linked: Linked, status: str) -> None:
    await linked.customer()
    await linked.settle()
    linked.crm.person_stops(linked.there.id, status)
    await linked.settle()
    assert await linked.desk.consent() == "opted_out"
    sent = len(linked.desk.ledger())
    await linked.desk.text("are you there?")
    await linked.settle()
    assert len(linked.desk.ledger()) == sent
    rows = await linked.desk.rows("select source, state from consent")
    assert [tuple(row) for row in rows] == [("crm", "out")]


async def test_start_after_do_not_disturb_counts(linked: Linked) -> None:
    await linked.customer()
    await linked.settle()
    linked.crm.person_stops(linked.there.id)
    await linked.settle()
    linked.desk.wait(minutes=1)
    await linked.start()
    await linked.settle()
    assert (await linked.desk.consent(), linked.there.dnd["SMS"]) == ("opted_in", "inactive")


# --- troubles ---


@pytest.mark.parametrize("kind", ["drop_after", "bad_json"])
@pytest.mark.parametrize("route", ["contacts.upsert", "contacts.update"])
async def test_an_answer_that_was_lost_makes_no_second_contact(linked: Linked, kind: str, route: str) -> None:
    await linked.customer()
    await linked.ai_sets(budget=100)
    if route == "contacts.update":
        await linked.settle()
        await linked.ai_sets(budget=200)
    linked.trouble({"kind": kind, "route": route, "count": 1})
    await linked.write()
    await linked.ai_sets(budget=300)  # before anybody looked: what is there now is no word of a person
    linked.desk.wait(minutes=20)
    await linked.settle()
    assert (linked.there.custom["budget"], (await linked.context())["budget"]) == (300, 300)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_an_outage_delays_and_loses_nothing(linked: Linked, status: int) -> None:
    await linked.customer()
    linked.trouble({"kind": "status", "status": status})
    for _ in range(3):
        await linked.write()
        await linked.hear()
        linked.desk.wait(minutes=1)
    (row,) = await linked.rows()
    assert (row.state, row.reason) == ("due", "away")
    linked.crm.chaos.reset()
    linked.desk.wait(minutes=20)
    await linked.settle()
    assert linked.there.fields["phone"] == linked.desk.handset


@pytest.mark.parametrize(("status", "reason"), [(401, "token_refused"), (403, "token_lacks_rights")])
async def test_without_its_token_it_waits_for_another(linked: Linked, status: int, reason: str) -> None:
    await linked.customer()
    await linked.settle()
    linked.trouble({"kind": "status", "status": status})
    await linked.ai_sets(budget=7)
    await linked.write()
    assert ((await linked.link()).state, (await linked.link()).reason) == ("revoked", reason)
    for _ in range(3):
        linked.desk.wait(minutes=30)
        assert (await linked.write(), await linked.hear()) == (0, 0)
    told = await linked.desk.rows("select reason, times from notification where kind = 'crm'")
    assert [tuple(row) for row in told] == [(f"crm_{reason}", 1)]
    linked.crm.chaos.reset()
    linked.crm.tokens = {"pit-another"}
    await linked.connect()
    await linked.settle()
    assert linked.there.custom["budget"] == 7
    verbs = await linked.desk.rows("select verb from audit where verb like 'crm_%' order by n")
    assert [row.verb for row in verbs] == ["crm_revoked"]


async def test_too_many_calls_rest_the_account_for_as_long_as_it_says(linked: Linked) -> None:
    await linked.customer()
    linked.trouble({"kind": "status", "status": 429, "retry_after": 90, "count": 1})
    await linked.write()
    link = await linked.link()
    assert link.rests_until is not None
    assert linked.desk.stage.clock.frozen is not None
    assert (link.rests_until - linked.desk.stage.clock.frozen).total_seconds() >= 89
    linked.desk.wait(seconds=80)
    assert await linked.write() == 0
    linked.desk.wait(seconds=20)
    await linked.settle()
    assert len(linked.crm.contacts) == 1


async def test_a_day_s_calls_used_up_wait_for_the_next(linked: Linked) -> None:
    await linked.customer()
    linked.crm.daily_left = 3
    await linked.write()
    await linked.hear()
    link = await linked.link()
    assert (link.reason, link.daily_left) == ("daily_limit", 0)
    linked.crm.daily_left = 1000
    linked.desk.wait(hours=2)
    await linked.settle()
    assert len(linked.crm.contacts) == 1
    assert (await linked.link()).daily_left is not None


async def test_who_is_not_taken_is_told_and_can_be_tried_again(linked: Linked) -> None:
    contact_id = await linked.customer()
    linked.trouble({"kind": "status", "status": 422, "route": "contacts.upsert"})
    await linked.write()
    (row,) = await linked.rows()
    assert (row.state, row.reason) == ("failed", "422 Something went wrong")
    linked.crm.chaos.reset()
    assert await linked.write() == 0
    link = await linked.link()
    async with linked.desk.rt.db.transaction(linked.desk.workspace_id) as tx:
        await crm_contacts.retry(tx, link.id, contact_id)
    await linked.settle()
    assert len(linked.crm.contacts) == 1


async def test_two_workers_at_once_make_one_contact(linked: Linked) -> None:
    await linked.customer()
    one, other = (CrmWriter(linked.desk.rt, linked.desk.workspace_id) for _ in range(2))
    claimed = [*await one.claim(5), *await other.claim(5)]
    assert len(claimed) == 1
    await asyncio.gather(one.work(claimed[0]), other.work(claimed[0]))  # a lease that ended too early
    await linked.settle()
    assert len(linked.crm.contacts) == 1
    assert [row.state for row in await linked.rows()] == ["done"]


async def test_a_change_while_it_is_sent_is_sent_too(linked: Linked) -> None:
    await linked.customer()
    await linked.ai_sets(budget=1)
    linked.trouble({"kind": "hang", "route": "contacts.upsert", "seconds": 0.4, "count": 1})
    writing = asyncio.create_task(linked.write())
    await linked.sending()
    await linked.ai_sets(budget=2)
    await writing
    assert [row.state for row in await linked.rows()] == ["due"]
    await linked.settle()
    assert linked.there.custom["budget"] == 2


# --- who is who ---


async def test_erased_here_they_are_deleted_there(linked: Linked) -> None:
    contact_id = await linked.customer()
    await linked.ai_sets(budget=500)
    await linked.close()
    await linked.settle()
    await _erase(linked, contact_id)
    (row,) = await linked.rows()
    assert (row.gone, row.body, row.sending) == (True, None, None)
    assert [await linked.rows(table) for table in ("crm_change", "crm_note")] == [[], []]
    await linked.settle()
    assert linked.crm.contacts == {}
    assert [(row.state, row.external_id) for row in await linked.rows()] == [("left", None)]


async def test_erased_while_they_are_brought_there_they_go_too(linked: Linked) -> None:
    contact_id = await linked.customer()
    linked.trouble({"kind": "hang", "route": "contacts.upsert", "seconds": 0.4, "count": 1})
    writing = asyncio.create_task(linked.write())
    await linked.sending()
    await _erase(linked, contact_id)
    await writing
    await linked.settle()
    assert linked.crm.contacts == {}


async def test_erased_here_and_left_there_where_that_is_wanted(
    make_linked: Callable[..., Awaitable[Linked]],
) -> None:
    linked = await make_linked(when_erased="leave")
    await linked.connect()
    contact_id = await linked.customer()
    await linked.settle()
    await _erase(linked, contact_id)
    await linked.settle()
    assert len(linked.crm.contacts) == 1


async def _erase(linked: Linked, contact_id: UUID) -> None:
    async with linked.desk.rt.db.transaction(linked.desk.workspace_id) as tx:
        await erasing.erase(tx, linked.desk.rt.settings.data_dir, contact_id, "person:test")


async def test_two_who_are_one_are_one_there_from_then_on(linked: Linked) -> None:
    first = await linked.customer()
    await linked.settle()
    number = new_number()
    await linked.desk.text("it's me, with another telephone", handset=number)
    await linked.settle()
    async with linked.desk.rt.db.transaction(linked.desk.workspace_id) as tx:
        second = (await contacts.find(tx, [Address(Scheme.TEL, number)]))[0].id
        await merges.merge(tx, second, first, "person:test")
    await linked.settle()
    assert sorted((row.contact_id == first, row.state) for row in await linked.rows()) == [
        (False, "left"),
        (True, "done"),
    ]
    async with linked.desk.rt.db.transaction(linked.desk.workspace_id) as tx:
        await merges.unmerge(tx, second, "person:test")
    await linked.settle()
    assert [row.state for row in await linked.rows()] == ["done", "done"]
    assert len(linked.crm.contacts) == 2


async def test_disconnected_nothing_more_is_said(linked: Linked) -> None:
    await linked.customer()
    await linked.settle()
    await linked.disconnect()
    asked = len(linked.crm.asked)
    await linked.ai_sets(budget=9)
    assert (await linked.write(), await linked.hear()) == (0, 0)
    assert len(linked.crm.asked) == asked
    (row,) = await linked.rows()
    assert (row.state, row.body) == ("left", None)
