"""Reading conversations, and what a person does in them."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from domain.messages import Address, Inbound, Kind, Scheme
from domain.turn import Action, Decision, Say, SetField, Turn, Understanding
from runtime.runtime import Runtime
from runtime.wake import DELIVERIES, TURNS
from store import channels, inbox, workspaces
from tests.admin_api.api_rig import Api, Business, Customer, is_problem, moment, together


async def read(api: Api, business: Business, path: str) -> dict:
    answer = await api.get(path, headers=business.key("viewer"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def post(api: Api, customer: Customer, verb: str, body: dict | None = None):
    return await api.post(f"{customer.path}/{verb}", headers=customer.business.key(), json=body)


async def test_one(api: Api, business: Business) -> None:
    customer = await business.customer("Hi", "It is for my son")
    draft_id = await customer.draft()
    found = await read(api, business, customer.path)
    assert found["id"] == str(customer.conversation_id)
    assert (found["state"], found["owner"], found["last_seq"]) == ("open", "ai", 2)
    assert found["pending_draft_id"] == str(draft_id)
    assert found["contact"]["addresses"] == [{"scheme": "tel", "value": customer.number}]
    assert found["context"] == {}
    assert moment(found["created_at"]) <= moment(found["updated_at"])


async def test_a_message_says_what_it_is_and_what_it_answers(api: Api, business: Business) -> None:
    """By the provider's name for it and, when it is of this conversation, by ours."""
    customer = await business.customer("Hi")
    mine = Address(Scheme.TEL, customer.number)
    async with business.rt.db.transaction(business.id) as tx:
        profile, (channel,) = (await workspaces.get(tx)).profile, await channels.listed(tx)
        tapped = Inbound("SMtapped", mine, "Tuesday", kind=Kind.CHOICE, choice="day:2", reply_to="SMunknown")
        thumb = Inbound("SMthumb", mine, "👍", kind=Kind.REACTION, reply_to="SMtapped")
        await inbox.save(tx, channel, profile, [tapped, thumb])
    first, second, third = (await read(api, business, f"{customer.path}/messages"))["items"]
    named = ("kind", "choice", "reply_to", "reply_to_id")
    assert [first[name] for name in named] == ["text", None, None, None]
    assert [second[name] for name in named] == ["choice", "day:2", "SMunknown", None]
    assert [third[name] for name in named] == ["reaction", None, "SMtapped", second["id"]]


async def test_context_and_turns_say_why(api: Api, business: Business) -> None:
    def think(turn: Turn) -> Turn:
        turn = replace(
            turn,
            understood=Understanding("opening_hours", 0.9, nearest="When are you open?"),
            decision=Decision(Action.SEND, "sure enough"),
        )
        return turn.noting("asked for the hours").doing(
            SetField("visit", "2026-11-21", 0.8, 1, "on Saturday"), Say("From nine to one.")
        )

    customer = await business.customer("Are you open on Saturday?")
    await customer.is_answered(think)
    found = await read(api, business, customer.path)
    visit = found["context"]["visit"]
    assert (visit["value"], visit["source"], visit["words"], visit["evidence_seq"]) == (
        "2026-11-21", "ai", "on Saturday", 1,
    )  # fmt: skip
    (turn,) = (await read(api, business, customer.path + "/turns"))["items"]
    assert (turn["state"], turn["action"], turn["intent"]) == ("saved", "send", "opening_hours")
    assert turn["explanation"]["notes"] == ["asked for the hours"]
    assert turn["explanation"]["understood"]["nearest"] == "When are you open?"
    assert moment(turn["started_at"]) <= moment(turn["finished_at"])
    asked, said = (await read(api, business, customer.path + "/messages"))["items"]
    assert (asked["author"], asked["deliveries"], asked["turn_id"]) == ("contact", [], None)
    assert (said["author"], said["turn_id"]) == ("ai", turn["id"])
    assert [part["state"] for part in said["deliveries"]] == ["queued"]


async def test_lists_are_filtered(api: Api, open_business) -> None:
    business: Business = await open_business()
    talks = {name: await business.customer() for name in ("plain", "taken", "closed")}
    await post(api, talks["taken"], "takeover")
    await post(api, talks["closed"], "close")
    ids = {str(customer.conversation_id): name for name, customer in talks.items()}
    for query, names in {
        "": {"plain", "taken", "closed"},
        "state=open": {"plain", "taken"},
        "state=closed": {"closed"},
        "owner=human": {"taken"},
        "state=open&owner=ai": {"plain"},
        "state=snoozed": set(),
    }.items():
        items = (await read(api, business, business.path(f"/conversations?{query}")))["items"]
        assert {ids[one["id"]] for one in items} == names, query
    for query, field in (("state=lost", "/query/state"), ("owner=me", "/query/owner")):
        answer = await api.get(business.path(f"/conversations?{query}"), headers=business.key())
        is_problem(answer, 422, "invalid", field)


async def test_a_person_replies(api: Api, business: Business, rt: Runtime) -> None:
    customer = await business.customer()
    draft_id = await customer.draft()
    await rt.wake.wait(DELIVERIES, 0.01)
    answer = await post(api, customer, "messages", {"text": "Hello, this is Maria. Saturday is fine."})
    assert answer.status_code == 201
    message = answer.json()
    assert (message["direction"], message["author"], message["seq"]) == ("out", "human", 2)
    assert message["text"] == "Hello, this is Maria. Saturday is fine."
    assert message["channel"] == "twilio_sms"
    assert message["person_id"] == str(business.persons["agent"])
    assert message["deliveries"] == [
        {"part": 0, "state": "queued", "reason": None, "error_code": None, "attempts": 0}
    ]
    assert rt.wake._events[DELIVERIES].is_set()
    found = await read(api, business, customer.path)
    assert (found["owner"], found["owner_reason"]) == ("human", "replied")
    assert found["pending_draft_id"] is None
    paused = moment(found["paused_until"]) - moment(found["updated_at"])
    assert abs(paused.total_seconds() - 8 * 3600) < 60
    draft = await read(api, business, business.path(f"/drafts/{draft_id}"))
    assert draft["state"] == "superseded"
    assert (await read(api, business, customer.path + "/messages"))["items"][-1] == message


async def test_what_the_assistant_had_not_sent_is_taken_back(api: Api, business: Business) -> None:
    customer = await business.customer()
    await customer.is_answered(lambda turn: turn.doing(Say("One moment.")))
    await post(api, customer, "takeover")
    said = (await read(api, business, customer.path + "/messages"))["items"][-1]
    assert [(one["state"], one["reason"]) for one in said["deliveries"]] == [
        ("cancelled", "person_took_over")
    ]


@pytest.mark.parametrize(
    "words",
    [
        "é", "👋🏽 ¡Hola! 👨‍👩‍👧‍👦", "مرحبا", "你好\n\nzweite Zeile\ttab", "𝔘𝔫𝔦",
        "a" * 5_000, "👋" * 5_000, "'; drop table message; --",
    ],
    ids=["one", "emoji", "arabic", "lines", "astral", "5000", "5000 emoji", "sql"],
)  # fmt: skip
async def test_words_arrive_as_they_were_written(api: Api, business: Business, words: str) -> None:
    customer = await business.customer()
    answer = await post(api, customer, "messages", {"text": words})
    assert answer.status_code == 201, answer.text
    assert answer.json()["text"] == words
    assert (await read(api, business, customer.path + "/messages"))["items"][-1]["text"] == words


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"text": "a" * 5_001}, ["/text"]),
        ({"text": ""}, ["/text"]),
        ({"text": "  \n\t​ "}, ["/text"]),
        ({"text": "a\0b"}, ["/text"]),
        ({"text": 5}, ["/text"]),
        ({"text": None}, ["/text"]),
        ({"text": ["a"]}, ["/text"]),
        ({}, ["/text"]),
        ({"text": "a", "send_at": "now"}, ["/send_at"]),
        ({"text": "a", "a/b~c": 1}, ["/a~1b~0c"]),
        ([], [""]),
        ("text", [""]),
        (None, [""]),
    ],
)
async def test_words_that_cannot_be_sent(
    api: Api, business: Business, body: object, pointers: list[str]
) -> None:
    customer = await business.customer()
    answer = await api.post(customer.path + "/messages", headers=business.key(), json=body)
    is_problem(answer, 422, "invalid", *pointers)
    assert len((await read(api, business, customer.path + "/messages"))["items"]) == 1


async def test_half_a_character(api: Api, business: Business) -> None:
    customer = await business.customer()
    headers = business.key(content_type="application/json")
    answer = await api.post(customer.path + "/messages", headers=headers, content=rb'{"text": "a\ud83d"}')
    is_problem(answer, 422, "invalid", "/text")


async def test_long_errors_are_clear(api: Api, business: Business) -> None:
    customer = await business.customer()
    said = (await post(api, customer, "messages", {"text": "x" * 5_001})).json()
    assert "5000" in said["errors"][0]["detail"]
    assert "xxx" not in str(said)


async def test_who_opted_out_is_not_written_to(api: Api, business: Business) -> None:
    customer = await business.customer("Hi", "STOP")
    is_problem(await post(api, customer, "messages", {"text": "But"}), 409, "opted_out")
    await customer.writes("START")
    assert (await post(api, customer, "messages", {"text": "Welcome back"})).status_code == 201


async def test_who_cannot_be_reached_is_not_written_to(api: Api, business: Business, rt: Runtime) -> None:
    customer = await business.customer()
    async with rt.db.transaction(business.id) as tx:
        await tx.execute(
            text(
                "update contact_address set suppressed = 'landline' where contact_id ="
                " (select contact_id from conversation where id = :id)"
            ),
            {"id": customer.conversation_id},
        )
    is_problem(await post(api, customer, "messages", {"text": "Hello"}), 409, "suppressed")


async def test_two_people_reply_at_once(api: Api, business: Business) -> None:
    customer = await business.customer()
    answers = await together(*(post(api, customer, "messages", {"text": f"{n}"}) for n in range(12)))
    assert [answer.status_code for answer in answers] == [201] * 12
    assert sorted(answer.json()["seq"] for answer in answers) == list(range(2, 14))
    said = (await read(api, business, customer.path + "/messages"))["items"]
    assert {one["seq"]: one["text"] for one in said[1:]} == {
        answer.json()["seq"]: answer.json()["text"] for answer in answers
    }


async def test_takeover_and_release(api: Api, business: Business, rt: Runtime) -> None:
    customer = await business.customer()
    taken = (await post(api, customer, "takeover", {"reason": "asked_for_a_manager"})).json()
    assert (taken["owner"], taken["owner_reason"]) == ("human", "asked_for_a_manager")
    assert taken["owner_person_id"] == str(business.persons["agent"])
    assert moment(taken["paused_until"]) > moment(taken["updated_at"])
    await rt.wake.wait(TURNS, 0.01)
    released = (await post(api, customer, "release")).json()
    assert (released["owner"], released["owner_person_id"], released["paused_until"]) == ("ai", None, None)
    assert rt.wake._events[TURNS].is_set(), "nobody has answered, so a turn is due"


async def test_release_with_nothing_to_answer_wakes_nobody(api: Api, business: Business, rt: Runtime) -> None:
    customer = await business.customer()
    await post(api, customer, "messages", {"text": "Done"})
    await rt.wake.wait(TURNS, 0.01)
    assert (await post(api, customer, "release")).status_code == 200
    assert not rt.wake._events[TURNS].is_set()


@pytest.mark.parametrize("reason", ["He is upset", "", "a" * 64, "x\0", 5, "Überfall"])
async def test_a_reason_is_a_code(api: Api, business: Business, reason: object) -> None:
    """It goes into the audit, which holds no words."""
    customer = await business.customer()
    is_problem(await post(api, customer, "takeover", {"reason": reason}), 422, "invalid", "/reason")
    assert (await read(api, business, customer.path))["owner"] == "ai"


async def test_closed_is_closed(api: Api, business: Business) -> None:
    customer = await business.customer()
    draft_id = await customer.draft()
    for _ in range(2):
        assert (await post(api, customer, "close")).json()["state"] == "closed"
    for verb in ("takeover", "release"):
        is_problem(await post(api, customer, verb), 409, "conversation_closed")
    approve = await api.post(business.path(f"/drafts/{draft_id}/approve"), headers=business.key())
    is_problem(approve, 409, "draft_superseded")


async def test_a_reply_opens_again_what_was_closed(api: Api, business: Business) -> None:
    customer = await business.customer()
    await post(api, customer, "close")
    assert (await post(api, customer, "messages", {"text": "One more thing"})).status_code == 201
    assert (await read(api, business, customer.path))["state"] == "open"
    await post(api, customer, "close")
    old = customer.path
    await customer.writes("Hello again")
    assert customer.path != old
    answer = await api.post(f"{old}/messages", headers=business.key(), json={"text": "Hi"})
    is_problem(answer, 409, "conversation_closed")


async def test_the_audit_knows_who_and_no_words(api: Api, open_business, rt: Runtime) -> None:
    business: Business = await open_business()
    customer = await business.customer()
    await post(api, customer, "messages", {"text": "Sesame"})
    for verb in ("takeover", "release", "close"):
        await post(api, customer, verb)
    async with rt.db.transaction(business.id) as tx:
        rows = (await tx.execute(text("select actor, verb, details::text from audit order by n"))).all()
    assert [row.verb for row in rows] == [
        "person_replied", "conversation_taken_over", "conversation_released", "conversation_closed",
    ]  # fmt: skip
    assert {row.actor for row in rows} == {f"person:{business.persons['agent']}"}
    assert "Sesame" not in str(rows)
