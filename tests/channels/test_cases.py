"""Every channel through its table in cases/: what it makes of a webhook, of a reply, of a search.

A new channel needs its line in the registry and its table; this file says what is missing.
"""

import ast
import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import pytest
from twilio.request_validator import RequestValidator

import channels
from channels.base import Account, Channel, Hook, Sent
from channels.forms import read_form
from channels.registry import CHANNELS, open_channel
from domain.errors import Rejected, SendFailed
from domain.messages import Address, Button, Event, Outbound, Scheme, TemplateCall

CASES = Path(__file__).parent / "cases"
TABLES = {path.stem: json.loads(path.read_text()) for path in sorted(CASES.glob("*.json"))}
FORM = "application/x-www-form-urlencoded"

REQUIRED = {
    "receive": {
        "valid",
        "unsigned",
        "signed with another tenant's token",
        "another tenant's account",
        "malformed",
        "looks like a duplicate",
        "replayed",
        "unknown event",
        "not for us",
        "unknown extra keys",
        "non-ASCII",
        "invalid UTF-8",
        "NUL",
        "lone surrogate",
        "10,000 characters",
        "empty text",
        "ten media",
    },
    "send": {
        "accepted",
        "media",
        "success that cannot be read",
        "throttled",
        "wrong credentials",
        "opted out",
        "server error",
        "unavailable",
        "connection refused",
        "no answer",
        "dropped before the request was read",
        "dropped after the request was read",
        "answer cut short",
    },
    "find": {
        "nothing",
        "one",
        "several",
        "further pages",
        "other words",
        "too old",
        "server error",
        "no answer",
    },
}


class _Repeated(dict[str, list[str]]):
    """The oracle's way to be shown repeated keys."""

    def getlist(self, key: str) -> list[str]:
        return self[key]


def sign_twilio(token: str, url: str, form: list[tuple[str, str]], raw: bytes) -> dict[str, str]:
    grouped = _Repeated()
    for key, value in form:
        grouped.setdefault(key, []).append(value)
    return {"x-twilio-signature": RequestValidator(token).compute_signature(url, grouped)}


def sign_meta(secret: str, url: str, form: list[tuple[str, str]], raw: bytes) -> dict[str, str]:
    return {"x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()}


Sign = Callable[[str, str, list[tuple[str, str]], bytes], dict[str, str]]
SIGN: dict[str, tuple[str, Sign]] = {
    "meta_whatsapp": ("app_secret", sign_meta),
    "twilio_sms": ("auth_token", sign_twilio),
    "twilio_whatsapp": ("auth_token", sign_twilio),
    "webchat": ("none", lambda *signed: {}),
}
"""Which credential signs, and how."""


def files_with_a_channel() -> Iterator[str]:
    for path in Path(channels.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and any(_is_kind(line) for line in node.body):
                yield path.stem


def _is_kind(line: ast.stmt) -> bool:
    return isinstance(line, ast.Assign) and any(
        isinstance(t, ast.Name) and t.id == "kind" for t in line.targets
    )


def test_every_channel_has_a_line_a_file_and_a_table() -> None:
    assert sorted(files_with_a_channel()) == sorted(CHANNELS)
    assert sorted(TABLES) == sorted(CHANNELS)
    assert all(kind == channel.kind for kind, channel in CHANNELS.items())


@pytest.mark.parametrize(("kind", "part"), [(kind, part) for kind in TABLES for part in REQUIRED])
def test_no_table_forgets_a_case(kind: str, part: str) -> None:
    labels = [row["label"] for row in TABLES[kind][part]]
    excused = TABLES[kind].get("does_not_apply", {})
    assert not REQUIRED[part] - set(labels) - set(excused)
    assert len(labels) == len(set(labels))


def rows(part: str) -> list[Any]:
    return [
        pytest.param(kind, table, row, id=f"{kind}: {row['label']}")
        for kind, table in TABLES.items()
        for row in table[part]
    ]


def opened(kind: str, table: Mapping[str, Any], row: Mapping[str, Any], base_url: str = "") -> Channel:
    said = table["account"]
    settings = {"timeout_s": 5, **said.get("settings", {}), **row.get("settings", {})}
    return open_channel(
        kind, Account(row.get("address", said["address"]), said["credentials"], base_url, settings)
    )


# --- receive ---


@pytest.mark.parametrize(("kind", "table", "row"), rows("receive"))
def test_receive(kind: str, table: dict[str, Any], row: dict[str, Any]) -> None:
    channel, hook = opened(kind, table, row), hook_of(kind, table, row)
    expected = {key: unfolded(row[key]) for key in ("error", "events") if key in row}
    for _ in range(2):  # pure: a replay is verified and read the same; one effect is the store's business
        assert received(channel, hook) == expected
    assert channel.ack().status == 200


def received(channel: Channel, hook: Hook) -> dict[str, Any]:
    try:
        channel.verify(hook)
        return {"events": [shown(event) for event in channel.parse(hook)]}
    except Rejected as error:
        return {"error": error.code}


def hook_of(kind: str, table: dict[str, Any], row: dict[str, Any]) -> Hook:
    """The bytes as they would come over the wire, read by what the web door reads with."""
    raw = raw_of(table, row)
    url = row.get("url", table["url"]).replace("{sha256}", hashlib.sha256(raw).hexdigest())
    form = read_form(raw, row.get("content_type", FORM))
    name, sign = SIGN[kind]
    signer, token = row.get("signed", "us"), table["account"]["credentials"][name]
    headers: dict[str, str] = {}
    if signer is not None:
        signed_url = row.get("signed_url", url)
        signed_form = altered(form, row.get("altered", {}))
        signed_raw = row["signed_body"].encode() if "signed_body" in row else raw
        headers = sign({"us": token}.get(signer, signer), signed_url, signed_form, signed_raw)
    headers |= row.get("headers", {})
    return Hook(url, headers, form, parse_qsl(urlsplit(url).query, keep_blank_values=True), raw)


def raw_of(table: dict[str, Any], row: dict[str, Any]) -> bytes:
    if "body" in row:
        return bytes(row["body"].encode("latin-1"))
    if "bodies" in table:
        return json.dumps(unfolded(row["json"] if "json" in row else body_of(table, row))).encode()
    return urlencode(form_of(table, row), errors="surrogatepass").encode()


def body_of(table: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The table's batch of this kind, with the row's value and items in it (null: without)."""
    batch: dict[str, Any] = json.loads(json.dumps(table["bodies"][row.get("form", "message")]))
    value = batch["entry"][0]["changes"][0]["value"]
    for items, changes in row.get("items", {}).items():
        first = value[items][0]
        value[items] = [merged(first, one) for one in changes]
    batch["entry"][0]["changes"][0]["value"] = merged(value, row.get("value", {}))
    return batch


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in (base | changes).items() if value is not None}


def form_of(table: dict[str, Any], row: dict[str, Any]) -> list[tuple[str, str]]:
    """The table's form of this kind, with the row's changes (null: without), and what it adds once more."""
    base = table["forms"][row.get("form", "message")] | row.get("with", {})
    pairs = [(key, unfolded(value)) for key, value in base.items() if value is not None]
    return pairs + [(key, value) for key, value in row.get("also", [])]


def altered(form: list[tuple[str, str]], changes: dict[str, str]) -> list[tuple[str, str]]:
    """What the provider signed, where it is not what arrived."""
    return [(key, changes.get(key, value)) for key, value in form]


def unfolded(value: Any) -> Any:
    """["x", 3] for "xxx", so that long texts stay short in the table."""
    if isinstance(value, dict):
        return {key: unfolded(one) for key, one in value.items()}
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], int):
        return value[0] * value[1]
    return [unfolded(one) for one in value] if isinstance(value, list) else value


def shown(event: Event) -> dict[str, Any]:
    """The event as the tables write it: without what says nothing."""
    plain: dict[str, Any] = {}
    for one in fields(event):
        value = getattr(event, one.name)
        if one.default is MISSING or value != one.default:
            plain[one.name] = value
    if "sender" in plain:
        plain["sender"] = plain["sender"].value
    if "moved_to" in plain:
        plain["moved_to"] = plain["moved_to"].value
    if "media" in plain:
        plain["media"] = [[media.url, media.content_type] for media in plain["media"]]
    if "sent_at" in plain:
        plain["sent_at"] = plain["sent_at"].isoformat()
    if "message_id" in plain:
        plain["message_id"] = str(plain["message_id"])
    return plain


# --- send and find ---


def message_of(table: dict[str, Any], row: dict[str, Any]) -> Outbound:
    said = {**table["outbound"], **row.get("message", {})}
    return Outbound(
        UUID(said["message_id"]),
        said["part"],
        Address(Scheme(said["scheme"]), said["to"]),
        said["text"],
        said["status_url"],
        tuple(said.get("media_urls", ())),
        tuple(Button(*one) for one in said.get("buttons", ())),
        TemplateCall(*said["template"][:3], tuple(said["template"][3])) if "template" in said else None,
    )


@pytest.mark.parametrize(("kind", "table", "row"), rows("send"))
async def test_send(kind: str, table: dict[str, Any], row: dict[str, Any], provider: Any, http: Any) -> None:
    there = await provider([unfolded(row["reply"])])
    channel = opened(kind, table, row, there.url)
    message = message_of(table, row)
    outcome = await outcome_of(channel.send(http, message))
    assert outcome == {key: row[key] for key in ("error", "sent") if key in row}
    assert len(there.heard) <= 1, "a send never repeats itself"
    if "request" in row:
        expect_request(there.heard[0], table, row["request"])


def expect_request(heard: Any, table: dict[str, Any], request: Any) -> None:
    credentials = table["account"]["credentials"]
    assert f"{heard.method} {heard.path}" == table["endpoint"]
    if "access_token" in credentials:
        assert heard.headers["authorization"] == f"Bearer {credentials['access_token']}"
        assert json.loads(heard.body) == request
        return
    pair = f"{credentials['account_sid']}:{credentials['auth_token']}".encode()
    assert heard.headers["authorization"] == "Basic " + base64.b64encode(pair).decode()
    assert heard.form == [tuple(pair) for pair in request]


@pytest.mark.parametrize(("kind", "table", "row"), rows("find"))
async def test_find(kind: str, table: dict[str, Any], row: dict[str, Any], provider: Any, http: Any) -> None:
    there = await provider(row["replies"])
    channel, since = opened(kind, table, row, there.url), datetime.fromisoformat(table["since"])
    outcome = await outcome_of(channel.find(http, message_of(table, row), since))
    assert outcome == {key: row[key] for key in ("error", "found") if key in row}
    if "queries" in row:
        assert [dict(one.query) for one in there.heard] == row["queries"]
    assert all(one.method == "GET" for one in there.heard)
    assert len(there.heard) <= row.get("requests", len(row["replies"]))


async def outcome_of(request: Awaitable[Sent | list[Sent]]) -> dict[str, Any]:
    try:
        async with asyncio.timeout(3):  # whatever the other side does
            answer = await request
    except SendFailed as error:
        assert "555" not in str(error), "nobody's number in a log"  # noqa: PT017
        return {"error": failed(error)}
    if isinstance(answer, Sent):
        return {"sent": answer.provider_id}
    return {"found": [one.provider_id for one in answer]}


def failed(error: SendFailed) -> dict[str, Any]:
    """What deliver acts on: the kind of failure, the provider's code, when to come back."""
    said = {"code": error.code}
    if error.code != "send_unknown":
        said["disposition"] = str(error.disposition)
    named = {
        "provider_code": error.provider_code,
        "retry_after_s": error.retry_after_s,
        "opted_out": error.opted_out or None,
    }
    return said | {key: value for key, value in named.items() if value is not None}
