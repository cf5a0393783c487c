"""An admin shapes the business over HTTP: schemas, rules, contexts, the file; checked, versioned, written down."""

from typing import Any

import pytest

from store.db import new_id
from tests.admin_api.api_rig import Business, Customer, Shop, is_problem, moment, together

FIELDS = [
    {"name": "guests", "type": "integer", "extract": True, "required": True, "minimum": 1, "maximum": 40,
     "description": "How many guests?", "synonyms": {"unit": ["people", "guests"]}},
    {"name": "boat", "type": "choice", "options": ["sail", "motor"], "extract": True, "required": True},
    {"name": "day", "type": "date", "extract": True},
    {"name": "licence", "type": "boolean"},
]  # fmt: skip
FLOW = {
    "initial": "asking",
    "statuses": ["asking", {"name": "held", "enter": [{"add_tag": "held"}]}, "paid", "lost"],
    "transitions": [
        {"from": "asking", "to": "held"}, {"from": ["asking", "held"], "to": "lost"}, {"from": "held", "to": "paid"},
    ],
}  # fmt: skip
SCHEMA = {"name": "trip", "fields": FIELDS, "workflow": FLOW}
RULE = {
    "name": "big group", "on": "context_changed", "when": {"field": "guests", "op": "gte", "value": 8},
    "then": [{"add_tag": "big"}, {"notify": "{{guests}} guests, {{contact.name}}"}],
}  # fmt: skip


@pytest.fixture
async def boats(shop: Shop) -> Shop:
    await shop.make("/schemas", SCHEMA)
    await shop.make("/rules", RULE)
    return shop


@pytest.fixture
async def talk(boats: Shop) -> Customer:
    return await boats.business.customer("Hi, we are 6 people and want the sail boat")


# --- schemas and rules ---


async def test_a_schema_is_made_changed_and_taken_out(shop: Shop) -> None:
    made = await shop.make("/schemas", SCHEMA)
    assert (made["name"], made["version"], made["in_use"], made["fields"]) == ("trip", 1, True, FIELDS)
    assert set(made["json_schema"]["properties"]) == {"guests", "boat", "day"}
    second = await shop.make("/schemas", {"name": "mooring", "fields": []})
    assert second["in_use"] is False
    patched = await shop.ask("PATCH", "/schemas/trip", {"name": "hire"}, if_match='"1"')
    assert (patched.json()["id"], patched.json()["version"], patched.headers["etag"]) == (
        made["id"],
        2,
        '"2"',
    )
    first = await shop.ask(
        "PUT", f"/schemas/{second['id']}", {"name": "mooring", "fields": [], "position": 0}
    )
    assert first.json()["in_use"] is True
    told = (await shop.ask("GET", f"/schemas/{made['id']}/versions")).json()["items"]
    assert [(one["version"], one["name"]) for one in told] == [(2, "hire"), (1, "trip")]
    assert told[1]["body"]["workflow"] == FLOW
    moment(told[0]["changed_at"])
    assert (await shop.ask("DELETE", "/schemas/hire")).status_code == 204
    is_problem(await shop.ask("GET", f"/schemas/{made['id']}"), 404, "not_found")
    assert [one["name"] for one in (await shop.ask("GET", "/schemas")).json()["items"]] == ["mooring"]
    again = await shop.make("/schemas", SCHEMA | {"name": "hire"})
    assert (again["id"], again["version"]) == (made["id"], 4)  # the one that was taken out, come back


@pytest.mark.parametrize(
    ("path", "change", "pointer", "said"),
    [
        ("/schemas", {"name": "Trip!"}, "/name", "lower case"),
        ("/schemas", {"fields": [{"name": "a", "type": "colour"}]}, "/fields/0/type", "colour"),
        ("/schemas", {"fields": [{"name": "a", "type": "choice"}]}, "/fields/0", "needs options"),
        ("/schemas", {"fields": [{"name": "a", "type": "text", "optoins": []}]}, "/fields/0/optoins", "mean options?"),
        ("/schemas", {"fields": [{"name": "a\0", "type": "text"}]}, "/fields/0/name", "NUL"),
        ("/schemas", {"workflow": FLOW | {"initial": "new"}}, "/workflow", "new is no status"),
        ("/rules", {"on": "full_moon"}, "/on", "message_received"),
        ("/rules", {"when": {"field": "guests", "op": "bigger", "value": 8}}, "/when", "gte"),
        ("/rules", {"then": []}, "/then", "at least 1"),
        ("/rules", {"then": [{"add_tag": "a", "reply": "b"}]}, "/then/0", "exactly one"),
        ("/rules", {"then": [{"wait": "99999999999999d"}]}, "/then/0/wait", "longer"),
        ("/rules", {"when": {"field": "message.text", "op": "matches", "value": "("}}, "/when", "regular expression"),
        ("/rules", {"on": "schedule", "at": "9 o'clock"}, "/at", ""),
        ("/rules", {"colour": "red"}, "/colour", ""),
    ],
)  # fmt: skip
async def test_a_mistake_names_its_place_and_changes_nothing(
    shop: Shop, path: str, change: dict[str, Any], pointer: str, said: str
) -> None:
    body = {"/schemas": SCHEMA, "/rules": RULE}[path] | change
    told = is_problem(await shop.ask("POST", path, body), 422, "invalid", pointer)
    assert said in told["errors"][0]["detail"]
    assert (await shop.ask("GET", path)).json()["items"] == []


async def test_the_second_admin_hears_what_changed(boats: Shop) -> None:
    seen = (await boats.ask("GET", "/schemas/trip")).headers["etag"]
    more = [FIELDS[0] | {"maximum": 60}, *FIELDS[1:], {"name": "dog", "type": "boolean"}]
    assert (await boats.ask("PATCH", "/schemas/trip", {"fields": more}, if_match=seen)).status_code == 200
    wish = {"fields": FIELDS[:2]}
    late = await boats.ask("PATCH", "/schemas/trip", wish, who="owner", if_match=seen)
    is_problem(late, 412, "stale_version", "/fields/0/maximum", "/fields/4")
    is_problem(
        await boats.ask("DELETE", "/schemas/trip", if_match=seen),
        412,
        "stale_version",
        "/fields/0/maximum",
        "/fields/4",
    )
    assert len((await boats.ask("GET", "/schemas/trip")).json()["fields"]) == 5


async def test_two_at_once_lose_nothing(boats: Shop) -> None:
    wishes = [RULE | {"name": f"rule {n}"} for n in range(4)]
    made = await together(*(boats.ask("POST", "/rules", wish) for wish in wishes))
    assert {one.status_code for one in made} == {201}
    assert len((await boats.ask("GET", "/rules")).json()["items"]) == 5
    same = await together(*(boats.ask("POST", "/rules", RULE | {"name": "same"}) for _ in range(2)))
    assert sorted(one.status_code for one in same) == [201, 409]
    is_problem(next(one for one in same if one.status_code == 409), 409, "name_taken", "/name")


async def test_the_same_request_twice_is_one_rule(shop: Shop) -> None:
    made = [await shop.ask("POST", "/rules", RULE, Idempotency_Key="k-1") for _ in range(2)]
    assert made[0].json() == made[1].json()
    assert made[1].headers["idempotency-replayed"] == "true"


async def test_a_rule_is_switched_renamed_and_counted(boats: Shop) -> None:
    off = (await boats.ask("POST", "/rules/big%20group/toggle")).json()
    assert (off["enabled"], off["version"]) == (False, 2)
    on = (await boats.ask("POST", f"/rules/{off['id']}/toggle", {"enabled": True})).json()
    assert (on["enabled"], on["version"]) == (True, 3)
    named = (await boats.ask("PATCH", f"/rules/{off['id']}", {"name": "crowd", "when": {}})).json()
    assert (named["id"], named["rule"]["when"]) == (off["id"], {})
    assert (await boats.ask("GET", "/rules/crowd/runs")).json() == {"items": [], "next_cursor": None}
    assert named["last_30_days"] == {"times": 0, "conversations": 0, "last_at": None}
    figures = (await boats.ask("GET", "/analytics/rules")).json()["rules"]
    assert [(one["rule"], one["times"]) for one in figures] == [("crowd", 0)]
    assert (await boats.ask("DELETE", "/rules/crowd")).status_code == 204


async def test_what_a_schema_would_take(boats: Shop) -> None:
    told = (await boats.ask("POST", "/schemas/trip/test", {"text": "we are 6 people"}, who="viewer")).json()
    (guests,) = told["fields"]
    assert (guests["field"], guests["value"], guests["evidence"] in "we are 6 people") == ("guests", 6, True)
    assert 0 < guests["confidence"] <= 1
    assert told["missing"] == ["boat"]
    wrong = await boats.ask("POST", "/schemas/trip/test", {"text": "six", "asked": ["gusts"]})
    is_problem(wrong, 422, "invalid", "/asked")


# --- what a rule would do ---


async def test_a_rule_is_tried_on_a_sample(boats: Shop) -> None:
    sample = {"fields": {"guests": 12}, "contact_name": "Ann"}
    told = (await boats.ask("POST", "/rules/big%20group/test", {"sample": sample}, who="viewer")).json()
    assert (told["would_fire"], told["evaluation"]["why"]) == (True, "guests (12) gte 8")
    assert [one["action"] for one in told["would_do"]] == ["add_tag", "notify"]
    assert told["would_do"][1]["outcome"]["effects"][0]["words"] == "12 guests, Ann"
    few = (await boats.ask("POST", "/rules/big%20group/test", {"sample": {"fields": {"guests": 2}}})).json()
    assert (few["would_fire"], few["evaluation"]["holds"]) == (False, False)
    is_problem(await boats.ask("POST", "/rules/big%20group/test", {}), 422, "invalid", "")


async def test_a_rule_is_tried_on_a_conversation_without_a_trace(boats: Shop, talk: Customer) -> None:
    await boats.make("/rules", {
        "name": "sails", "on": "message_received", "once": "conversation",
        "when": {"all": [
            {"field": "message.text", "op": "contains", "value": "sail"},
            {"not": {"field": "status", "op": "eq", "value": "lost"}},
        ]},
        "then": [{"reply": "Ahoy"}, {"set_status": "held"}],
    })  # fmt: skip
    told = (await boats.ask("POST", "/rules/sails/test", {"conversation": str(talk.conversation_id)})).json()
    assert told["would_fire"] is True
    assert [part["holds"] for part in told["evaluation"]["parts"]] == [True, True]
    assert told["would_do"][0]["outcome"] == {"words": "Ahoy"}
    assert (await boats.ask("GET", f"/conversations/{talk.conversation_id}/turns")).json()["items"] == []
    assert (await boats.ask("GET", "/rules/sails/runs")).json()["items"] == []
    is_problem(
        await boats.ask("POST", "/rules/sails/test", {"conversation": str(new_id())}), 404, "not_found"
    )


# --- contexts ---


async def test_a_person_sets_fields_and_puts_them_back(boats: Shop, talk: Customer) -> None:
    path = f"/contexts/{talk.conversation_id}"
    found = (await boats.ask("POST", f"{path}/extract", {"apply": True})).json()["fields"]
    assert {(one["field"], one["value"], one["message_seq"], one["kept"]) for one in found} == {
        ("guests", 6, 1, True), ("boat", "sail", 1, True),
    }  # fmt: skip
    (before,) = (await boats.ask("GET", f"/conversations/{talk.conversation_id}/contexts")).json()["items"]
    assert (before["completion"], before["missing"], before["schema_name"]) == (1.0, [], "trip")
    wish = {"fields": {"guests": "eight", "licence": True, "boat": None}, "why": "they called"}
    set_ = await boats.ask("PATCH", path, wish, who="agent", if_match=f'"{before["version"]}"')
    assert set_.status_code == 200, set_.text
    shown = {name: (one["value"], one["source"]) for name, one in set_.json()["values"].items()}
    assert shown == {"guests": (8, "human"), "licence": (True, "human")}
    assert set_.json()["missing"] == ["boat"]
    late = await boats.ask("PATCH", path, {"fields": {"guests": 3}}, if_match=f'"{before["version"]}"')
    is_problem(late, 412, "stale_version", "/fields/boat", "/fields/guests", "/fields/licence")
    await boats.ask(
        "POST", f"{path}/extract", {"text": "9 people, motor boat", "apply": True}
    )  # never over a person
    history = (await boats.ask("GET", f"{path}/history")).json()["items"]
    assert [(one["field"], one["from"], one["to"], one["source"], one["why"]) for one in history][:4] == [
        ("boat", None, "motor", "ai", None),
        ("boat", "sail", None, "human", "they called"),
        ("licence", None, True, "human", "they called"),
        ("guests", 6, 8, "human", "they called"),
    ]
    assert history[3]["person_id"] == str(boats.business.persons["agent"])
    assert history[-1]["words"]
    back = await boats.ask("POST", f"{path}/rollback", {"to": history[4]["id"], "why": "wrong boat"})
    assert {name: one["value"] for name, one in back.json()["values"].items()} == {
        "guests": 6,
        "boat": "sail",
    }
    top = (await boats.ask("GET", f"{path}/history?field=guests")).json()["items"][0]
    assert (top["from"], top["to"], top["why"], top["reverts"]) == (
        8,
        6,
        "wrong boat",
        history[-2]["id"],
    ) or top["reverts"]
    one = await boats.ask("POST", f"{path}/rollback", {"to": history[2]["id"], "field": "licence"})
    assert one.json()["values"]["licence"]["value"] is True
    assert one.json()["values"]["guests"]["value"] == 6


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"guests": "a lot"}, ["/fields/guests"]),
        ({"guests": 41}, ["/fields/guests"]),
        ({"boat": "submarine", "guests": 2}, ["/fields/boat"]),
        ({"colour": "red", "guests": 0}, ["/fields/colour", "/fields/guests"]),
        ({"day": "whenever"}, ["/fields/day"]),
        ({"guests": "8\0"}, ["/fields/guests"]),
    ],
)
async def test_what_a_field_does_not_take(
    boats: Shop, talk: Customer, fields: dict[str, Any], pointers: list[str]
) -> None:
    answer = await boats.ask("PATCH", f"/contexts/{talk.conversation_id}", {"fields": fields})
    is_problem(answer, 422, "invalid", *pointers)
    assert (await boats.ask("GET", f"/contexts/{talk.conversation_id}")).json()["values"] == {}


async def test_a_status_goes_where_the_workflow_leads(boats: Shop, talk: Customer) -> None:
    path = f"/contexts/{talk.conversation_id}"
    told = is_problem(
        await boats.ask("POST", f"{path}/change-status", {"to": "paid"}), 409, "illegal_transition"
    )
    assert "held, lost" in told["detail"]
    moved = (await boats.ask("POST", f"{path}/change-status", {"to": "held"}, who="agent")).json()
    assert (moved["status"], moved["next_statuses"]) == ("held", ["lost", "paid"])
    entries = (await boats.ask("GET", f"/audit?object_id={talk.conversation_id}&verb=status_changed")).json()[
        "items"
    ]
    assert [one["details"] for one in entries] == [{"before": "", "status": "held"}]
    assert entries[0]["actor"] == f"person:{boats.business.persons['agent']}"
    both = await together(
        *(boats.ask("POST", f"{path}/change-status", {"to": to}) for to in ("paid", "lost"))
    )
    assert sorted(one.status_code for one in both) == [200, 409]
    await boats.ask("POST", f"/conversations/{talk.conversation_id}/close")


async def test_a_new_version_says_what_it_could_not_keep(boats: Shop, talk: Customer) -> None:
    path = f"/contexts/{talk.conversation_id}"
    await boats.ask("PATCH", path, {"fields": {"guests": 12, "boat": "sail", "licence": True}})
    fields = [
        FIELDS[0] | {"maximum": 10},
        FIELDS[1] | {"options": ["sailing yacht", "motor"], "synonyms": {"sailing yacht": ["sail"]}},
    ]
    made = (await boats.ask("PATCH", "/schemas/trip", {"fields": fields})).json()
    lost = {(one["conversation_id"], one["field"]): one["reason"] for one in made["could_not_keep"]}
    assert lost == {
        (str(talk.conversation_id), "guests"): "must be at most 10",
        (str(talk.conversation_id), "licence"): "there is no such field any more",
    }
    kept = (await boats.ask("GET", path)).json()["values"]
    assert {name: one["value"] for name, one in kept.items()} == {"boat": "sailing yacht"}
    history = (await boats.ask("GET", f"{path}/history?field=guests")).json()["items"]
    assert [(one["from"], one["to"], one["source"]) for one in history] == [
        (12, None, "import"),
        (None, 12, "human"),
    ]
    again = await boats.ask("PUT", "/schemas/trip", SCHEMA | {"fields": fields})
    assert again.json()["could_not_keep"] == []


# --- the file, figures, rights ---


async def test_the_file_goes_out_and_comes_in(boats: Shop) -> None:
    out = await boats.ask("GET", "/export")
    assert out.headers["content-type"].startswith("application/yaml")
    assert "auth_token" not in out.text
    assert (await boats.ask("POST", "/import", {"yaml": out.text})).json()["changes"] == []
    changed = out.text.replace("maximum: 40", "maximum: 50")
    dry = (await boats.ask("POST", "/import", {"yaml": changed, "dry_run": True})).json()
    assert dry["changes"] == ["schemas.trip.fields.guests.maximum: 40 → 50"]
    assert (await boats.ask("GET", "/schemas/trip")).json()["version"] == 1
    assert (await boats.ask("POST", "/import", {"yaml": changed}, if_match=out.headers["etag"])).json()[
        "changes"
    ]
    assert (await boats.ask("GET", "/schemas/trip")).json()["version"] == 2
    is_problem(
        await boats.ask("POST", "/import", {"yaml": changed}, if_match=out.headers["etag"]),
        412,
        "stale_version",
    )


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("type: integer", "type: integr", "integr"),
        ("slug: ", "slug: other-", "keep its slug"),
        ("workspace:", "knowledge: [../../etc/passwd]\nworkspace:", "upload it first"),
        ("workspace:", "workspace: [", "not YAML"),
        ("workspace:", "# \x91\nworkspace:", "not YAML"),
        ("workspace:", "skills: {a: &a [x,x,x,x,x,x,x,x,x], b: &b [*a,*a,*a,*a,*a,*a,*a,*a],"
         " c: &c [*b,*b,*b,*b,*b,*b,*b], d: &d [*c,*c,*c,*c,*c,*c,*c],"
         " e: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]}"
         "\nworkspace:", "aliases"),
        ("type: integer", "type: integer\n        type: text", "not YAML"),
        ("kind: twilio_sms", "kind: pigeon", "there are"),
    ],
)  # fmt: skip
async def test_a_wrong_file_changes_nothing(boats: Shop, was: str, now: str, said: str) -> None:
    out = (await boats.ask("GET", "/export")).text
    told = is_problem(
        await boats.ask("POST", "/import", {"yaml": out.replace(was, now, 1)}), 422, "invalid", "/yaml"
    )
    assert said in told["errors"][0]["detail"]
    assert told["errors"][0]["detail"].startswith("import.yaml:")
    assert (await boats.ask("GET", "/export")).text == out


async def test_figures_and_audit(boats: Shop, talk: Customer) -> None:
    await boats.ask("PATCH", f"/contexts/{talk.conversation_id}", {"fields": {"guests": 4}})
    figures = (await boats.ask("GET", "/analytics/context", who="viewer")).json()
    guests = next(one for one in figures["fields"] if one["field"] == "guests")
    assert (guests["conversations"], guests["sources"]) == (
        1,
        [{"source": "human", "values": 1, "confidence": 1.0}],
    )
    first = (await boats.ask("GET", "/audit?limit=2")).json()
    rest = (await boats.ask("GET", f"/audit?limit=200&cursor={first['next_cursor']}")).json()
    numbers = [one["n"] for one in first["items"] + rest["items"]]
    assert numbers == sorted(numbers, reverse=True)
    verbs = [one["verb"] for one in first["items"] + rest["items"]]
    assert verbs[:3] == ["context_changed", "rule_added", "schema_added"]


async def test_somebody_elses_is_not_there(boats: Shop, talk: Customer, other: Business) -> None:
    theirs = Shop(boats.api, other)
    schema = (await boats.ask("GET", "/schemas/trip")).json()["id"]
    rule = (await boats.ask("GET", "/rules/big%20group")).json()["id"]
    context = f"/contexts/{talk.conversation_id}"
    asked = [
        ("GET", f"/schemas/{schema}", None), ("PUT", f"/schemas/{schema}", SCHEMA), ("PATCH", f"/schemas/{schema}", {}),
        ("DELETE", f"/schemas/{schema}", None), ("GET", f"/schemas/{schema}/versions", None),
        ("POST", f"/schemas/{schema}/test", {"text": "six"}), ("GET", f"/rules/{rule}", None),
        ("PUT", f"/rules/{rule}", RULE), ("PATCH", f"/rules/{rule}", {}), ("DELETE", f"/rules/{rule}", None),
        ("POST", f"/rules/{rule}/toggle", None), ("GET", f"/rules/{rule}/runs", None),
        ("POST", f"/rules/{rule}/test", {"sample": {}}), ("GET", context, None),
        ("PATCH", context, {"fields": {"guests": 1}}), ("POST", f"{context}/extract", {}),
        ("POST", f"{context}/change-status", {"to": "held"}), ("GET", f"{context}/history", None),
        ("POST", f"{context}/rollback", {"to": str(new_id())}),
        ("GET", f"/conversations/{talk.conversation_id}/contexts", None),
    ]  # fmt: skip
    for method, path, body in asked:
        is_problem(await theirs.ask(method, path, body, who="owner"), 404, "not_found")


@pytest.mark.parametrize(
    ("who", "reads", "works", "shapes"), [("viewer", 200, 403, 403), ("agent", 200, 200, 403)]
)
async def test_rights(boats: Shop, talk: Customer, who: str, reads: int, works: int, shapes: int) -> None:
    context = f"/contexts/{talk.conversation_id}"
    for path in ("/schemas", "/rules", context, f"{context}/history", "/analytics/rules"):
        assert (await boats.ask("GET", path, who=who)).status_code == reads
    assert (await boats.ask("PATCH", context, {"fields": {"guests": 2}}, who=who)).status_code == works
    for method, path, body in (
        ("POST", "/rules", RULE),
        ("DELETE", "/schemas/trip", None),
        ("GET", "/export", None),
        ("GET", "/audit", None),
    ):
        assert (await boats.ask(method, path, body, who=who)).status_code == shapes
