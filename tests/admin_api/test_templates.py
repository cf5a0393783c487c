"""Templates through the API, with WhatsApp's review on loopback: written, reviewed, changed, retired, asked about again."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from frontdesk.stories.stage import Stage
from store import people, workspaces
from tests.admin_api.api_rig import Business, hire, is_problem
from tests.channels.test_whatsapp import REOPEN, Shop, open_shop
from tests.rig import NOW, QUESTION, Desk

NEW = {"name": "visit_soon", "body": "Hi {{1}}, your visit is soon.", "variables": ["contact.name"]}
Json = dict[str, Any]


class Office:
    """A business on WhatsApp, and the API in front of it."""

    def __init__(self, shop: Shop, business: Business) -> None:
        self.shop, self.business = shop, business

    async def ask(
        self, method: str, rest: str = "", body: Json | None = None, key: str = "owner", **headers: str
    ) -> httpx2.Response:
        url = f"{self.shop.rt.settings.public_url}{self.business.path('/templates' + rest)}"
        return await self.shop.rt.http.request(
            method, url, json=body, headers=self.business.key(key, **headers)
        )

    async def write(self, **changes: Any) -> Json:
        answer = await self.ask("POST", body=NEW | changes)
        assert answer.status_code == 201, answer.text
        (one,) = answer.json()["templates"]
        return dict(one)

    async def again(self, template: Json) -> Json:
        answer = await self.ask("GET", f"/{template['id']}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def standing(self, template: Json) -> list[tuple[str, int, str, bool]]:
        versions = (await self.again(template))["versions"]
        return [(one["language"], one["version"], one["status"], one["in_use"]) for one in versions]


async def open_office(stage: Stage, kind: str = "meta_whatsapp", **changes: Any) -> Office:
    shop = await open_shop(stage, kind, **changes)
    return Office(shop, await hire(shop.rt, shop.workspace_id))


@pytest.fixture
async def office(stage: Stage) -> AsyncIterator[Office]:
    stage.clock.frozen = NOW
    yield await open_office(stage)
    stage.meta.state.chaos.reset()
    stage.meta.state.fates.clear()


@pytest.mark.parametrize("kind", ["meta_whatsapp", "twilio_whatsapp"])
async def test_written_submitted_and_approved(stage: Stage, kind: str) -> None:
    stage.clock.frozen = NOW
    office = await open_office(stage, kind)
    made = await office.write()
    assert (made["name"], made["category"]) == ("visit_soon", "utility")
    assert await office.standing(made) == [("en", 1, "draft", False)]
    await office.shop.settle()
    for _ in range(3):
        office.shop.wait(minutes=11)
        await office.shop.settle()
    assert await office.standing(made) == [("en", 1, "approved", True)]
    listed = (await office.ask("GET")).json()
    assert [one["id"] for one in listed["items"]] == [made["id"]]


async def approved(office: Office, template: Json) -> None:
    for _ in range(3):
        await office.shop.settle()
        office.shop.wait(minutes=11)
    await office.shop.settle()
    assert "approved" in {status for _, _, status, _ in await office.standing(template)}


async def test_other_words_are_a_new_version_and_the_old_one_stays_in_use(office: Office) -> None:
    made = await office.write()
    await approved(office, made)
    await office.write(body="Dear {{1}}, your visit is soon.")
    assert await office.standing(made) == [("en", 2, "draft", False), ("en", 1, "approved", True)]
    await approved(office, made)
    assert (await office.standing(made))[0] == ("en", 2, "approved", True)
    assert [one[3] for one in await office.standing(made)] == [True, False]


async def test_the_same_words_again_change_nothing(office: Office) -> None:
    first = await office.write()
    async with office.shop.rt.db.transaction(office.business.id) as tx:
        version = (await workspaces.get(tx)).version
    assert await office.write() == first
    async with office.shop.rt.db.transaction(office.business.id) as tx:
        assert (await workspaces.get(tx)).version == version


async def test_the_same_request_twice_is_one(office: Office) -> None:
    answers = [await office.ask("POST", body=NEW, Idempotency_Key="k1") for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    other = await office.ask("POST", body=NEW | {"name": "other"}, Idempotency_Key="k1")
    is_problem(other, 422, "idempotency_mismatch")


async def test_another_language_is_the_same_template(office: Office) -> None:
    made = await office.write()
    spanish = await office.write(language="es", body="Hola {{1}}, su visita es pronto. 🙂")
    assert spanish["id"] == made["id"]
    assert [one[0] for one in await office.standing(made)] == ["en", "es"]
    wrong = await office.ask("POST", body=NEW | {"language": "fr", "category": "marketing"})
    is_problem(wrong, 422, "invalid", "/category")


async def test_it_is_in_the_workspaces_file(office: Office) -> None:
    await office.write()
    async with office.shop.rt.db.transaction(office.business.id) as tx:
        kept = (await workspaces.get(tx)).profile.templates
    assert [(one.name, one.body) for one in kept] == [(NEW["name"], NEW["body"])]
    (row,) = await office.shop.rows("select verb, actor from audit where verb like 'template%'")
    assert (row.verb, row.actor) == ("template_written", f"person:{office.business.persons['owner']}")


async def test_what_the_provider_refuses_says_why_and_can_be_asked_about_again(office: Office) -> None:
    made = await office.write(name="reject_me")
    for _ in range(2):
        await office.shop.settle()
        office.shop.wait(minutes=11)
    await office.shop.settle()
    (refused,) = (await office.again(made))["versions"]
    assert refused["status"] == "rejected"
    assert refused["reason"] == "PROMOTIONAL"
    asked = await office.ask("POST", f"/{made['id']}/sync")
    assert (asked.status_code, asked.json()["versions"][0]["status"]) == (202, "submitted")
    await office.shop.settle()
    assert await office.standing(made) == [("en", 1, "rejected", False)]


async def test_what_never_reached_the_provider_is_submitted_again(office: Office) -> None:
    made = await office.write()
    await office.shop.rows(
        "update template_version set status = 'rejected', reason = 'provider_code_100' returning 1"
    )
    asked = await office.ask("POST", f"/{made['id']}/sync")
    assert asked.json()["versions"][0]["status"] == "draft"
    await approved(office, made)


async def test_asking_now_does_not_wait_for_its_turn(office: Office) -> None:
    made = await office.write()
    await office.shop.settle()
    before = (await office.again(made))["versions"][0]["checked_next_at"]
    office.shop.wait(seconds=5)
    asked = await office.ask("POST", f"/{made['id']}/sync")
    assert asked.json()["versions"][0]["checked_next_at"] < before
    await office.shop.settle()
    assert await office.standing(made) == [("en", 1, "approved", True)]


async def test_a_retired_one_is_sent_no_more_and_may_come_back(office: Office) -> None:
    made = await office.write()
    assert (await office.ask("DELETE", f"/{made['id']}")).status_code == 204
    assert await office.standing(made) == [("en", 1, "retired", False)]
    assert (await office.ask("DELETE", f"/{made['id']}")).status_code == 204
    await office.write()
    assert (await office.standing(made))[0] == ("en", 2, "draft", False)


async def test_the_one_that_the_policy_needs_stays(stage: Stage) -> None:
    stage.clock.frozen = NOW
    office = await open_office(stage, **REOPEN)
    (back,) = (await office.ask("GET")).json()["items"]
    is_problem(await office.ask("DELETE", f"/{back['id']}"), 409, "template_in_use")


async def test_a_template_written_here_opens_a_conversation_again(office: Office) -> None:
    """The whole way: words wait for a window, a template is approved, it goes first."""
    office.shop.wait(minutes=1)
    await office.shop.say(QUESTION)
    await office.shop.settle()
    made = await office.write(name="back", body="Hi {{1}}, we have news. Please reply.")
    await approved(office, made)
    url = f"{office.shop.rt.settings.public_url}{office.business.path()}"
    policy = await office.shop.rt.http.patch(
        url, json={"policy": {"reopen_with": "back"}}, headers=office.business.key("owner")
    )
    assert policy.status_code == 200, policy.text
    office.shop.wait(hours=25)
    await office.shop.person_writes("Your crown is here.")
    await office.shop.settle()
    said = [one.text for one in await office.shop.messages()]
    assert said[-2:] == ["Your crown is here.", "Hi Simulated Handset, we have news. Please reply."]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": "Visit Soon"}, "/name"),
        ({"name": "x" * 121}, "/name"),
        ({"language": "english"}, "/language"),
        ({"category": "sale"}, "/category"),
        ({"body": ""}, "/body"),
        ({"body": "x" * 1025, "variables": []}, "/body"),
        ({"body": "a\0b", "variables": []}, "/body"),
        ({"body": "\u200b", "variables": []}, "/body"),
        ({"body": "no place for the name"}, "/body"),
        ({"body": "{{1}} begins"}, "/body"),
        ({"body": "two {{1}} and {{2}} of one."}, "/body"),
        ({"variables": ["contact.birthday"]}, "/variables/0"),
        ({"colour": "red"}, "/colour"),
    ],
    ids=str,
)
async def test_what_cannot_be_a_template(office: Office, change: Json, pointer: str) -> None:
    is_problem(await office.ask("POST", body=NEW | change), 422, "invalid", pointer)
    assert (await office.ask("GET")).json()["items"] == []


async def test_without_a_channel_that_has_templates(desk: Desk) -> None:
    business = await hire(desk.rt, desk.workspace_id)
    url = f"{desk.rt.settings.public_url}{business.path('/templates')}"
    answer = await desk.rt.http.post(url, json=NEW, headers=business.key("owner"))
    is_problem(answer, 409, "no_template_channel")
    assert (await desk.rt.http.get(url, headers=business.key("viewer"))).json()["items"] == []


async def test_anothers_is_not_there(office: Office, stage: Stage) -> None:
    made = await office.write()
    other = await open_office(stage)
    for method, rest in (("GET", ""), ("DELETE", ""), ("POST", "/sync")):
        is_problem(await other.ask(method, f"/{made['id']}{rest}"), 404, "not_found")
    assert (await other.ask("GET")).json()["items"] == []
    assert await office.standing(made) == [("en", 1, "draft", False)]


async def test_who_may_write_one(office: Office) -> None:
    made = await office.write()
    async with office.shop.rt.db.transaction(office.business.id) as tx:
        daily = await people.add_key(tx, "daily", office.business.persons["owner"], ("read", "write"))
    office.business.keys["daily"] = daily
    for key in ("viewer", "agent", "daily"):
        assert (await office.ask("GET", key=key)).status_code == 200
        for method, rest, body in (("POST", "", NEW), ("DELETE", f"/{made['id']}", None)):
            is_problem(await office.ask(method, rest, body, key=key), 403, "not_permitted")


async def test_two_at_once_are_both_kept(office: Office) -> None:
    answers = await asyncio.gather(*(office.ask("POST", body=NEW | {"name": f"visit_{n}"}) for n in range(6)))
    assert [one.status_code for one in answers] == [201] * 6
    first = (await office.ask("GET", "?limit=4")).json()
    rest = (await office.ask("GET", f"?limit=4&cursor={first['next_cursor']}")).json()
    names = {one["name"] for one in first["items"] + rest["items"]}
    assert (names, rest["next_cursor"]) == ({f"visit_{n}" for n in range(6)}, None)
