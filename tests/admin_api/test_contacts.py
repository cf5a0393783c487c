"""Customers over the API: found, changed, made one and two again, erased; consent that nobody can give for another."""

from typing import Any
from uuid import UUID

import pytest

from store import contacts, likely
from store.db import new_id
from tests.admin_api.api_rig import Api, Business, is_problem, moment, together

Json = dict[str, Any]


async def of(api: Api, business: Business, number: str) -> Json:
    answer = await api.get(
        business.path("/contacts"), params={"address": number}, headers=business.key("reader")
    )
    assert answer.status_code == 200, answer.text
    (found,) = answer.json()["items"]
    return dict(found)


async def get(api: Api, business: Business, contact_id: str) -> Json:
    answer = await api.get(business.path(f"/contacts/{contact_id}"), headers=business.key())
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
    return dict(answer.json())


async def post(api: Api, business: Business, rest: str, body: Json | None = None, **headers: str) -> Any:
    return await api.post(
        business.path(f"/contacts{rest}"), json=body, headers=business.key("owner", **headers)
    )


async def two(api: Api, business: Business) -> tuple[Json, Json]:
    ann, bob = await business.customer("Hi"), await business.customer("Hello")
    return await of(api, business, ann.number), await of(api, business, bob.number)


# --- found ---


async def test_the_newest_first_and_a_page_at_a_time(api: Api, open_business: Any) -> None:
    business = await open_business()
    made = [(await business.customer()).number for _ in range(5)]
    seen, cursor = list[str](), None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await api.get(business.path("/contacts"), params=params, headers=business.key())).json()
        seen += [one["addresses"][0]["value"] for one in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == made[::-1]


async def test_by_exactly_one_address(api: Api, business: Business) -> None:
    customer = await business.customer()
    number = customer.number
    for said in (number, f" {number}", f"tel:{number}", f"{number[:5]} ({number[5:8]}) {number[8:]}"):
        assert (await of(api, business, said))["addresses"][0]["value"] == number
    for said, count in (
        (number[:-1] + "x", None),
        (number[:-1], 0),
        ("nobody@example.com", 0),
        (f"whatsapp:{number}", 0),
    ):
        answer = await api.get(business.path("/contacts"), params={"address": said}, headers=business.key())
        if count is None:
            is_problem(answer, 422, "invalid", "/query/address")
        else:
            assert answer.json() == {"items": [], "next_cursor": None}


async def test_one_says_everything_about_how_to_reach_them(api: Api, business: Business) -> None:
    customer = await business.customer("Hi", "STOP")
    found = await get(api, business, (await of(api, business, customer.number))["id"])
    (address,) = found["addresses"]
    assert (address["scheme"], address["consent"], address["verified_at"]) == ("tel", "opted_out", None)
    assert moment(address["opted_out_at"]) >= moment(found["created_at"])
    assert (found["conversation_id"], found["is_now"], found["merged"]) == (
        str(customer.conversation_id), found["id"], [],
    )  # fmt: skip


async def test_lists_of_conversations_name_who_it_is_now(api: Api, open_business: Any) -> None:
    business = await open_business()
    a, b = await two(api, business)
    await api.patch(
        business.path(f"/contacts/{b['id']}"), json={"name": "Ann Lee 🙂"}, headers=business.key()
    )
    await post(api, business, f"/{a['id']}/merge", {"into": b["id"]})
    page = (await api.get(business.path("/conversations"), headers=business.key())).json()
    assert {one["contact_name"] for one in page["items"]} == {"Ann Lee 🙂"}


# --- made and changed ---


async def test_a_new_one_with_its_addresses(api: Api, business: Business) -> None:
    number = f"+1737{new_id().int % 10**7:07}"
    body = {
        "name": "José Núñez", "language": "es",
        "addresses": [{"scheme": "tel", "value": f"{number[:2]} {number[2:]}"},
                      {"scheme": "email", "value": "Jose@Example.com"},
                      {"scheme": "whatsapp", "value": number}],
    }  # fmt: skip
    key = {"Idempotency_Key": new_id().hex}
    first, again = await post(api, business, "", body, **key), await post(api, business, "", body, **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert sorted(one["value"] for one in first.json()["addresses"]) == [number, number, "jose@example.com"]
    assert (first.json()["name"], first.json()["language"]) == ("José Núñez", "es")
    is_problem(await post(api, business, "", body), 409, "address_known")


async def test_the_same_new_one_twice_at_once_is_one(api: Api, business: Business) -> None:
    number = f"+1737{new_id().int % 10**7:07}"
    body = {"addresses": [{"scheme": "tel", "value": number}]}
    answers = await together(*(post(api, business, "", body) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]


@pytest.mark.parametrize(
    ("addresses", "pointer"),
    [
        ([], "/addresses"),
        ([{"scheme": "tel", "value": "512 555"}], "/addresses/0"),
        ([{"scheme": "email", "value": "nobody"}], "/addresses/0"),
        ([{"scheme": "webchat", "value": "abcdef"}], "/addresses/0/scheme"),
    ],
)
async def test_what_is_no_address(api: Api, business: Business, addresses: list[Json], pointer: str) -> None:
    is_problem(await post(api, business, "", {"addresses": addresses}), 422, "invalid", pointer)


async def test_a_change_of_what_was_read_only(api: Api, business: Business) -> None:
    found = await of(api, business, (await business.customer()).number)
    path = business.path(f"/contacts/{found['id']}")
    tag = {"If_Match": f'"{found["version"]}"'}
    done = await api.patch(path, json={"name": "Ann"}, headers=business.key(**tag))
    assert (done.json()["name"], done.json()["version"]) == ("Ann", found["version"] + 1)
    is_problem(await api.patch(path, json={"name": "Bob"}, headers=business.key(**tag)), 412, "stale_version")
    done = await api.patch(path, json={"language": "es"}, headers=business.key())
    assert (done.json()["name"], done.json()["language"]) == ("Ann", "es")
    done = await api.patch(path, json={"name": None}, headers=business.key())
    assert (done.json()["name"], done.json()["language"]) == (None, "es")


# --- one and two ---


async def test_two_become_one_and_two_again(api: Api, business: Business) -> None:
    a, b = await two(api, business)
    done = await post(api, business, f"/{a['id']}/merge", {"other": b["id"]})
    assert done.json() == {"contact_id": a["id"]}
    whole = await get(api, business, a["id"])
    assert len(whole["addresses"]) == 2
    assert [(one["contact_id"], one["reason"]) for one in whole["merged"]] == [(b["id"], "person")]
    assert (await get(api, business, b["id"]))["is_now"] == a["id"]
    is_problem(await post(api, business, f"/{b['id']}/merge", {"into": a["id"]}), 409, "same_contact")
    is_problem(await post(api, business, f"/{a['id']}/merge", {"into": a["id"]}), 409, "same_contact")
    assert (await post(api, business, f"/{b['id']}/unmerge")).json() == {"contact_id": a["id"]}
    is_problem(await post(api, business, f"/{b['id']}/unmerge"), 409, "not_merged")
    assert (await get(api, business, a["id"]))["merged"] == []


async def test_a_merge_asked_for_twice_is_one(api: Api, business: Business) -> None:
    a, b = await two(api, business)
    key = {"Idempotency_Key": new_id().hex}
    first = await post(api, business, f"/{a['id']}/merge", {"into": b["id"]}, **key)
    again = await post(api, business, f"/{a['id']}/merge", {"into": b["id"]}, **key)
    assert (first.status_code, first.json(), again.headers["idempotency-replayed"]) == (
        200,
        again.json(),
        "true",
    )


@pytest.mark.parametrize("body", [{}, {"into": str(new_id()), "other": str(new_id())}, {"into": "x"}])
async def test_a_merge_names_one(api: Api, business: Business, body: Json) -> None:
    a, _ = await two(api, business)
    answer = await post(api, business, f"/{a['id']}/merge", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_another_businesss_customer_is_nobody_here(
    api: Api, business: Business, other: Business
) -> None:
    mine, theirs = (
        await of(api, business, (await business.customer()).number),
        await of(api, other, (await other.customer()).number),
    )
    is_problem(
        await api.get(business.path(f"/contacts/{theirs['id']}"), headers=business.key()), 404, "not_found"
    )
    for rest, body in (
        (f"/{theirs['id']}/merge", {"into": mine["id"]}), (f"/{mine['id']}/merge", {"into": theirs["id"]}),
        (f"/{theirs['id']}/unmerge", None), (f"/{mine['id']}/suggestions/{theirs['id']}/reject", None),
        (f"/{theirs['id']}/consent", {"address_id": theirs["addresses"][0]["id"], "state": "out", "wording": "no"}),
        (f"/{mine['id']}/consent", {"address_id": theirs["addresses"][0]["id"], "state": "out", "wording": "no"}),
    ):  # fmt: skip
        is_problem(await post(api, business, rest, body), 404, "not_found")
    for rest in ("", "/export"):
        path = business.path(f"/contacts/{theirs['id']}{rest}")
        ask = api.get if rest else api.delete
        is_problem(await ask(path, headers=business.key("owner")), 404, "not_found")


# --- consent ---


async def test_what_a_person_was_told_counts_and_is_kept(api: Api, business: Business) -> None:
    found = await of(api, business, (await business.customer()).number)
    told = {"address_id": found["addresses"][0]["id"], "source": "form", "wording": "Yes, text me reminders."}
    done = await post(api, business, f"/{found['id']}/consent", told | {"state": "in"})
    assert (done.status_code, done.json()["addresses"][0]["consent"]) == (201, "opted_in")
    done = await post(
        api, business, f"/{found['id']}/consent", told | {"state": "out", "wording": "Leave me be"}
    )
    assert done.json()["addresses"][0]["consent"] == "opted_out"
    entries = (
        await api.get(business.path(f"/contacts/{found['id']}/consent"), headers=business.key())
    ).json()
    assert [(one["state"], one["source"], one["wording"]) for one in entries["items"]] == [
        ("out", "form", "Leave me be"),
        ("in", "form", "Yes, text me reminders."),
    ]


async def test_nobody_can_say_start_for_a_customer(api: Api, business: Business) -> None:
    customer = await business.customer("STOP")
    found = await of(api, business, customer.number)
    told = {"address_id": found["addresses"][0]["id"], "state": "in", "wording": "They said yes."}
    is_problem(await post(api, business, f"/{found['id']}/consent", told), 409, "needs_start")
    await customer.writes("START")
    assert (await post(api, business, f"/{found['id']}/consent", told)).status_code == 201


async def test_an_opt_out_counts_for_both_ways_of_a_number(api: Api, business: Business) -> None:
    number = f"+1737{new_id().int % 10**7:07}"
    body = {"addresses": [{"scheme": "tel", "value": number}, {"scheme": "whatsapp", "value": number}]}
    made = (await post(api, business, "", body)).json()
    told = {"address_id": made["addresses"][1]["id"], "state": "out", "wording": "on the telephone"}
    done = (await post(api, business, f"/{made['id']}/consent", told)).json()
    assert [one["consent"] for one in done["addresses"]] == ["opted_out", "opted_out"]


# --- who may be one ---


async def tell(business: Business, contact_id: str, **told: str) -> None:
    async with business.rt.db.transaction(business.id) as tx:
        for field, value in told.items():
            if field == "name":
                await contacts.rename(tx, UUID(contact_id), value)
            else:
                await likely._add(tx, UUID(contact_id), likely._signals(field, value))


async def reasons(
    api: Api, business: Business, contact_id: str | None = None
) -> list[tuple[set[str], list[str]]]:
    rest = f"/contacts/{contact_id}/suggestions" if contact_id else "/contacts/suggestions"
    page = (await api.get(business.path(rest), headers=business.key())).json()
    return [({one["contact"]["id"], one["other"]["id"]}, one["reasons"]) for one in page["items"]]


async def test_who_told_what_another_has_may_be_them(api: Api, open_business: Any) -> None:
    business = await open_business()
    a, b = await two(api, business)
    assert await reasons(api, business) == []
    await tell(business, a["id"], phone=b["addresses"][0]["value"])
    for asked in (a["id"], b["id"], None):
        assert await reasons(api, business, asked) == [({a["id"], b["id"]}, ["told_address"])]
    await tell(business, a["id"], email="Ann@Example.com")
    await tell(business, b["id"], email="ann@example.com ")
    assert await reasons(api, business, a["id"]) == [({a["id"], b["id"]}, ["same_told", "told_address"])]


async def test_a_name_alone_says_nothing(api: Api, open_business: Any) -> None:
    business = await open_business()
    a, b = await two(api, business)
    await tell(business, a["id"], name="José Núñez", insurer="Delta Dental")
    await tell(business, b["id"], name="jose  NUNEZ", city="Delta Dental")
    assert await reasons(api, business) == []
    await tell(business, b["id"], insurer="delta dental")
    assert await reasons(api, business) == [({a["id"], b["id"]}, ["same_name"])]


async def test_what_was_rejected_does_not_come_back(api: Api, open_business: Any) -> None:
    business = await open_business()
    a, b = await two(api, business)
    c = await of(api, business, (await business.customer()).number)
    await tell(business, a["id"], phone=b["addresses"][0]["value"])
    assert (await post(api, business, f"/{b['id']}/suggestions/{a['id']}/reject")).status_code == 204
    assert await reasons(api, business) == []
    await post(api, business, f"/{a['id']}/merge", {"into": c["id"]})
    assert await reasons(api, business) == []
    await post(api, business, f"/{a['id']}/merge", {"into": b["id"]})
    assert await reasons(api, business) == []


# --- handed out, taken away ---


@pytest.mark.parametrize("named", [0, 1])
async def test_all_of_a_person_is_handed_out_and_taken_away(api: Api, open_business: Any, named: int) -> None:
    business = await open_business()
    a, b = await two(api, business)
    await post(api, business, f"/{b['id']}/merge", {"into": a["id"]})
    path = business.path(f"/contacts/{(a, b)[named]['id']}")
    told = (await api.get(f"{path}/export", headers=business.key("owner"))).json()
    assert {one["id"] for one in told["contacts"]} == {a["id"], b["id"]}
    words = {line["text"] for talk in told["conversations"] for line in talk["messages"]}
    assert {"Hi", "Hello"} <= words
    is_problem(await api.delete(path, headers=business.key("agent")), 403, "not_permitted")
    gone = (await api.delete(path, headers=business.key("owner"))).json()
    assert (gone["rows"]["contact"], gone["rows"]["contact_address"]) == (2, 2)
    for one in (a, b):
        answer = await api.get(business.path(f"/contacts/{one['id']}"), headers=business.key())
        is_problem(answer, 404, "not_found")
