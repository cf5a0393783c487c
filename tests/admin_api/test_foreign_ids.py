"""Every route of the OpenAPI document that names a thing × the ids of another workspace's things: not there. What routes
name and take is read from the document, so that a new one is asked too."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import text

import admin_api.app
from domain.callback import WantCallback
from domain.payment import AskPayment
from domain.rules.effects import CallWebhook
from domain.turn import NoteGap, SuggestField, Turn, Understanding
from runtime.runtime import Runtime
from store.db import new_id
from tests.admin_api.api_rig import Api, Business, Customer, Shop, is_problem
from tests.admin_api.conftest import OpenBusiness
from tests.admin_api.example_rig import SETTINGS, Example
from tests.admin_api.people_rig import register
from tests.rig import NOBODY

TABLES = {"context_id": "conversation", "other_id": "contact", "call_id": "webhook_call", "key_id": "api_key",
          "gap_id": "knowledge_gap", "suggestion_id": "field_suggestion", "application_id": "account_application",
          "schema_id": "part_version", "rule_id": "part_version", "key": "listing"}  # fmt: skip
"""Where a thing is kept that is not called as its table."""
MADE = ("appointment_id", "feed_id", "link_id", "transfer_id", "entry_id", "document_id", "channel_id")
ROWLESS = frozenset({"attachment_id", "template_id", "order_id", "application_id", "key"})
"""What the other workspace here has none of: asked for with an id that nothing has. `tests/store/test_tenancy.py` shows of
every table that nobody sees another workspace's rows."""
BODIES: dict[str, Any] = {
    "/merge": {"into": NOBODY},
    "/rollback": {"at": "2026-01-01T00:00:00Z"},
    "/rules/{rule_id}/test": {"sample": {}},
    "/replay": {"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"},
    "/appointments/{appointment_id}": {"start": "2026-12-01T10:00:00Z"},
}
"""What the document alone does not tell how to write."""
Operation = tuple[str, str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def document(rt: Runtime) -> dict[str, Any]:
    return admin_api.app.create(rt).openapi()


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        if "{" in path.replace("{ws}", ""):
            for method, told in methods.items():
                yield method.upper(), path, told


def names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{") and part != "{ws}"]


def body_of(path: str, told: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    own = next((body for end, body in BODIES.items() if path.endswith(end)), None)
    content = told.get("requestBody", {}).get("content", {}).get("application/json")
    return own if own is not None else instance(content["schema"], document) if content else None


def instance(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Any:
    """The least that the schema takes."""
    if ref := schema.get("$ref"):
        return instance(document["components"]["schemas"][ref.rpartition("/")[2]], document)
    for many in ("anyOf", "oneOf"):
        if many in schema:
            return instance(next(one for one in schema[many] if one.get("type") != "null"), document)
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    match schema.get("type"):
        case "object":
            found = {
                name: instance(schema["properties"][name], document) for name in schema.get("required", ())
            }
            return found or ({"a": 1} if schema.get("minProperties") else {})
        case "array":
            return [instance(schema["items"], document)] * schema.get("minItems", 0)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "string":
            said = {"uuid": str(new_id()), "date-time": "2026-12-01T10:00:00Z", "email": "ann@example.com"}
            return said.get(schema.get("format", ""), "a" * max(schema.get("minLength", 1), 1))
    return "a"


@pytest.fixture
async def theirs(api: Api, open_business: OpenBusiness) -> tuple[Business, dict[str, str]]:
    """Somebody else's, with one of most things, and the ids of some of them."""
    other = await open_business(**SETTINGS)
    example = Example(api, other, await register(api), datetime.now(UTC))
    made = {name: await example(name) for name in MADE}
    shop = Shop(api, other)
    for path, body in (
        ("/schemas", {"name": f"s{new_id().hex[-8:]}", "fields": []}),
        ("/rules", {"name": new_id().hex, "on": "handoff", "then": [{"add_tag": "a"}]}),
        ("/webhooks", {"url": f"https://example.com/{new_id().hex}", "events": ["draft.*"]}),
        ("/invitations", {"email": f"{new_id().hex}@example.com", "role": "agent"}),
    ):
        await shop.make(path, body)
    customer: Customer = await other.customer()

    def think(turn: Turn) -> Turn:
        understood = Understanding("unknown", 0.1, "en")
        return Turn(turn.conversation, turn.profile, turn.burst, turn.now, understood=understood).doing(
            SuggestField("when", "2026-11-24", 0.9, 1, "tomorrow"), NoteGap("Is there a moon?", "en"),
            CallWebhook("https://example.com/hook", "rule.a", {}),
            AskPayment(new_id(), turn.conversation.contact_id, "sailing exam", Decimal(80), "USD"),
            WantCallback(new_id(), turn.conversation.contact_id, "want_human", "", "", turn.now, turn.now),
        )  # fmt: skip

    await customer.is_answered(think)
    await (await other.customer()).draft()
    return other, made


async def rows(rt: Runtime, business: Business, params: set[str]) -> dict[str, str]:
    """One id of each."""
    found = {}
    async with rt.db.transaction(business.id) as tx:
        tables = {
            row.table_name
            for row in await tx.execute(text("select table_name from information_schema.tables"))
        }
        for name in params:
            table = TABLES.get(name, name.removesuffix("_id"))
            kind = f" where kind = '{name.removesuffix('_id')}'" if table == "part_version" else ""
            column = "key" if name == "key" else "id"
            if table in tables:
                sql = f"select {column} as id from {table}{kind} order by id desc limit 1"  # noqa: S608  (constant names)
                if row := (await tx.execute(text(sql))).first():
                    found[name] = str(row.id)
    return found


async def ask(
    api: Api, business: Business, operation: Operation, ids: Mapping[str, str], document: Any
) -> httpx2.Response:
    method, path, told = operation
    address = path.replace("{ws}", str(business.id))
    for name in names(path):
        address = address.replace(f"{{{name}}}", ids.get(name, str(new_id())))
    body = body_of(path, told, document)
    return await api.request(method, f"/api/v1{address}", headers=business.key("owner"), json=body)


async def test_every_noun_has_a_thing_to_ask_for(
    rt: Runtime, document: dict[str, Any], theirs: tuple[Business, dict[str, str]]
) -> None:
    other, made = theirs
    wanted = {name for _, path, _ in operations(document) for name in names(path)}
    missing = wanted - (await rows(rt, other, wanted)).keys() - made.keys() - ROWLESS
    assert missing == set(), "make one in `theirs`, say in TABLES where it is kept, or name it in ROWLESS"


async def test_another_workspaces_things_are_not_there(
    api: Api,
    rt: Runtime,
    document: dict[str, Any],
    business: Business,
    theirs: tuple[Business, dict[str, str]],
) -> None:
    asked, (other, made) = list(operations(document)), theirs
    ids = await rows(rt, other, {name for _, path, _ in asked for name in names(path)}) | made
    before = await _everything(rt, other)
    wrong = []
    for operation in asked:
        answer = await ask(api, business, operation, ids, document)
        if answer.status_code != 404:
            wrong.append((operation[0], operation[1], answer.status_code, answer.text[:300]))
        else:
            is_problem(answer, 404, "not_found")
    assert wrong == []
    assert await _everything(rt, other) == before
    assert len(asked) > 60


async def _everything(rt: Runtime, business: Business) -> dict[str, int]:
    """How often each of its tables was written in."""
    async with rt.db.transaction(business.id) as tx:
        found = dict[str, int]()
        for table in ("conversation", "contact", "part_version", "context_value", "draft", "message", "audit", "webhook",
                      "api_key", "person", "field_suggestion", "channel", "rule_run", "callback"):  # fmt: skip
            sql = f"select count(*) as n, max(xmin::text::bigint) as x from {table}"  # noqa: S608  (constant names)
            row = (await tx.execute(text(sql))).one()
            found[table] = hash((row.n, row.x))
        return found


def test_the_least_is_told_from_the_document(document: dict[str, Any]) -> None:
    for _, path, told in operations(document):
        json.dumps(body_of(path, told, document))
        assert all(UUID(str(new_id())) for _ in names(path))
