"""Deciding about drafts: once, about what was read, and only while it can be sent."""

import httpx2
import pytest
from sqlalchemy import text

from runtime.runtime import Runtime
from runtime.wake import DELIVERIES
from tests.admin_api.api_rig import Api, Business, Customer, is_problem, moment, together

WORDS = "Yes, from nine to one."


class Waiting:
    """A customer and the draft that waits."""

    def __init__(self, api: Api, customer: Customer, draft_id: object) -> None:
        self.api, self.customer, self.business = api, customer, customer.business
        self.path = self.business.path(f"/drafts/{draft_id}")
        self.id = draft_id

    async def post(
        self, verb: str, body: object = None, kind: str = "agent", **headers: str
    ) -> httpx2.Response:
        headers = self.business.key(kind, **headers)
        return await self.api.post(f"{self.path}/{verb}", headers=headers, json=body)

    async def get(self) -> httpx2.Response:
        return await self.api.get(self.path, headers=self.business.key("viewer"))

    async def sent(self) -> list[dict]:
        answer = await self.api.get(self.customer.path + "/messages", headers=self.business.key())
        return [one for one in answer.json()["items"] if one["direction"] == "out"]


@pytest.fixture
async def waiting(api: Api, business: Business) -> Waiting:
    customer = await business.customer()
    return Waiting(api, customer, await customer.draft(WORDS))


async def test_approved_as_it_is(waiting: Waiting, rt: Runtime) -> None:
    await rt.wake.wait(DELIVERIES, 0.01)
    answer = await waiting.post("approve")
    draft = answer.json()
    assert (answer.status_code, draft["state"], draft["version"]) == (200, "approved", 2)
    assert draft["decided_by"] == str(waiting.business.persons["agent"])
    assert moment(draft["created_at"]) <= moment(draft["decided_at"]) < moment(draft["expires_at"])
    assert answer.headers["etag"] == '"2"'
    (said,) = await waiting.sent()
    assert said["text"].startswith(WORDS)
    assert (said["author"], said["draft_id"], said["person_id"]) == ("ai", draft["id"], draft["decided_by"])
    assert [part["state"] for part in said["deliveries"]] == ["queued"]
    assert rt.wake._events[DELIVERIES].is_set()


async def test_the_first_words_of_a_machine_say_so(waiting: Waiting) -> None:
    await waiting.post("approve", {"text": "See you then!"})
    (said,) = await waiting.sent()
    assert "automated assistant of Cedar Dental" in said["text"]


async def test_the_answer_names_the_message_that_was_sent(waiting: Waiting) -> None:
    assert (await waiting.get()).json()["message_id"] is None
    first = (await waiting.post("approve", None, Idempotency_Key="once")).json()
    again = (await waiting.post("approve", None, Idempotency_Key="once")).json()
    (message,) = await waiting.sent()
    assert first["message_id"] == again["message_id"] == message["id"]
    assert (await waiting.get()).json()["message_id"] == message["id"]


async def test_approved_in_other_words(waiting: Waiting) -> None:
    draft = (await waiting.post("approve", {"text": "Sí, ¡de nueve a una! 🦷"})).json()
    assert (draft["state"], draft["original"], draft["text"]) == ("edited", WORDS, "Sí, ¡de nueve a una! 🦷")
    assert (await waiting.sent())[0]["text"].startswith("Sí, ¡de nueve a una! 🦷")
    assert (await waiting.get()).json() == draft


@pytest.mark.parametrize("body", [None, {}, {"text": None}, {"text": WORDS}])
async def test_the_same_words_are_no_edit(waiting: Waiting, body: object) -> None:
    assert (await waiting.post("approve", body)).json()["state"] == "approved"


@pytest.mark.parametrize("words", ["", " ", "a\0", "a" * 5_001, 7])
async def test_words_that_cannot_be_sent(waiting: Waiting, words: object) -> None:
    is_problem(await waiting.post("approve", {"text": words}), 422, "invalid", "/text")
    assert (await waiting.get()).json()["state"] == "pending"


async def test_rejected(waiting: Waiting) -> None:
    answer = await waiting.post("reject", {"reason": "We are closed on Saturdays 🙃"})
    draft = answer.json()
    assert (answer.status_code, draft["state"], draft["note"]) == (
        200,
        "rejected",
        "We are closed on Saturdays 🙃",
    )
    assert answer.headers["etag"] == '"2"'
    assert await waiting.sent() == []
    is_problem(await waiting.post("approve"), 409, "draft_rejected")
    is_problem(await waiting.post("reject"), 409, "draft_rejected")


async def test_decided_once(waiting: Waiting) -> None:
    await waiting.post("approve")
    is_problem(await waiting.post("approve"), 409, "draft_approved")
    is_problem(await waiting.post("reject"), 409, "draft_approved")
    assert len(await waiting.sent()) == 1


@pytest.mark.parametrize("verbs", [("approve", "approve"), ("approve", "reject"), ("reject", "reject")])
async def test_two_people_at_once(api: Api, business: Business, verbs: tuple[str, str]) -> None:
    for _ in range(8):
        customer = await business.customer()
        waiting = Waiting(api, customer, await customer.draft())
        answers = await together(waiting.post(verbs[0], kind="agent"), waiting.post(verbs[1], kind="owner"))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        won = next(answer for answer in answers if answer.status_code == 200).json()
        lost = next(answer for answer in answers if answer.status_code == 409)
        is_problem(lost, 409, f"draft_{won['state']}")
        assert len(await waiting.sent()) == (won["state"] == "approved")


async def test_a_crowd_at_once(waiting: Waiting) -> None:
    answers = await together(*(waiting.post("approve", {"text": f"Number {n}"}) for n in range(20)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert [answer.status_code for answer in answers].count(409) == 19
    assert (await waiting.sent())[0]["text"].startswith(won[0].json()["text"])


async def test_the_customer_wrote_again(waiting: Waiting) -> None:
    await waiting.customer.writes("Forget Saturday, is Monday possible?")
    is_problem(await waiting.post("approve"), 409, "draft_superseded")
    is_problem(await waiting.post("reject"), 409, "draft_superseded")
    assert await waiting.sent() == []


async def test_the_customer_writes_and_a_person_approves_at_once(api: Api, business: Business) -> None:
    """Whichever is first: what is approved is what was read, and never a draft that is stale."""
    for _ in range(6):
        customer = await business.customer()
        waiting = Waiting(api, customer, await customer.draft())
        answer, _ = await together(waiting.post("approve"), customer.writes("No, Monday"))  # type: ignore[arg-type]
        seqs = [one["seq"] for one in await waiting.sent()]
        if answer.status_code == 200:
            assert len(seqs) == 1
        else:
            is_problem(answer, 409, "draft_superseded")
            assert seqs == []


async def test_the_customer_opted_out(api: Api, business: Business, rt: Runtime) -> None:
    customer = await business.customer()
    waiting = Waiting(api, customer, await customer.draft())
    await customer.writes("STOP")
    is_problem(await waiting.post("approve"), 409, "draft_superseded")
    async with rt.db.transaction(business.id) as tx:  # as if it had been proposed in spite of it
        await tx.execute(text("update draft set state = 'pending' where id = :id"), {"id": waiting.id})
    is_problem(await waiting.post("approve"), 409, "opted_out")
    assert [one["author"] for one in await waiting.sent()] in ([], ["system"])


async def test_nobody_decided_in_time(api: Api, business: Business) -> None:
    customer = await business.customer()
    waiting = Waiting(api, customer, await customer.draft(hours=-1))
    is_problem(await waiting.post("approve"), 409, "draft_expired")
    is_problem(await waiting.post("reject"), 409, "draft_expired")


@pytest.mark.parametrize("tag", ['"1"', "*", '"7", "1"', ' "1" ', '"1","2"'])
async def test_if_match_what_was_read(waiting: Waiting, tag: str) -> None:
    assert (await waiting.get()).headers["etag"] == '"1"'
    assert (await waiting.post("approve", if_match=tag)).status_code == 200


@pytest.mark.parametrize("tag", ['"2"', '"0"', 'W/"1"', "1", '"01"', '""', "nonsense", '"-1"', '"1', "٣"])
async def test_if_match_something_else(waiting: Waiting, tag: str) -> None:
    for verb in ("approve", "reject"):
        answer = await waiting.post(verb, if_match=tag.encode())  # type: ignore[arg-type]
        is_problem(answer, 412, "stale_version")
    assert (await waiting.get()).json()["state"] == "pending"


async def test_lists_are_filtered(api: Api, open_business) -> None:
    business: Business = await open_business()
    made = {}
    for name in ("pending", "approved", "rejected", "superseded"):
        customer = await business.customer()
        made[name] = Waiting(api, customer, await customer.draft())
    await made["approved"].post("approve")
    await made["rejected"].post("reject")
    await made["superseded"].customer.writes("Wait")
    for name, waiting in made.items():
        query = f"/drafts?state={name}"
        items = (await api.get(business.path(query), headers=business.key())).json()["items"]
        assert [one["id"] for one in items] == [str(waiting.id)], name
        query = f"/drafts?conversation={waiting.customer.conversation_id}"
        items = (await api.get(business.path(query), headers=business.key())).json()["items"]
        assert [one["id"] for one in items] == [str(waiting.id)]
    everything = (await api.get(business.path("/drafts"), headers=business.key())).json()["items"]
    assert [one["id"] for one in everything] == sorted((str(one.id) for one in made.values()), reverse=True)
    for query, field in (("state=lost", "state"), ("conversation=x", "conversation")):
        answer = await api.get(business.path(f"/drafts?{query}"), headers=business.key())
        is_problem(answer, 422, "invalid", f"/query/{field}")
