"""What `doctor` says of a business's CRM."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from frontdesk import doctor_crm
from tests.crm_rig import Linked, settings
from tests.rig import Desk

MakeDesk = Callable[..., Awaitable[Desk]]


async def said(linked: Linked) -> list[tuple[str, str]]:
    found = await doctor_crm.crm(linked.desk.rt, linked.desk.workspace_id, "shop")
    return [(one.state, f"{one.said} → {one.todo}" if one.todo else one.said) for one in found]


@pytest.fixture
async def linked(make_desk: MakeDesk) -> AsyncIterator[Linked]:
    linked = Linked(await make_desk(**settings()))
    linked.crm.forget()
    yield linked
    linked.crm.forget()
    await linked.disconnect()


async def test_connected_and_well(linked: Linked) -> None:
    assert await said(linked) == [("note", "is described, and none is connected → POST crm/connect")]
    await linked.connect()
    await linked.customer()
    await linked.settle()
    assert await said(linked) == [("ok", "connected, read and written")]


async def test_whatever_is_wrong_has_a_remedy(linked: Linked) -> None:
    await linked.connect()
    await linked.customer()
    linked.crm.keys.pop("plan")
    linked.trouble({"kind": "status", "status": 422, "route": "contacts.upsert"})
    await linked.settle()
    (fields, failed) = await said(linked)
    assert ("has no custom field plan" in fields[1], "Custom Fields" in fields[1]) == (True, True)
    assert ("1 contacts were not taken" in failed[1], "state=failed" in failed[1]) == (True, True)
    linked.crm.revoke()
    linked.crm.chaos.reset()
    await linked.ai_sets(budget=1)
    await linked.write()
    ((state, words),) = await said(linked)
    assert (state, "revoked" in words, "POST crm/connect" in words) == ("wrong", True, True)


async def test_what_waits_is_said(linked: Linked) -> None:
    await linked.connect()
    await linked.customer()
    linked.desk.wait(minutes=31)
    await linked.desk.rows("update crm_contact set state = 'due' returning 1")
    assert [state for state, words in await said(linked) if "changes wait since" in words] == ["wrong"]


async def test_a_business_without_one_is_told_nothing(make_desk: MakeDesk) -> None:
    assert await said(Linked(await make_desk())) == []
