"""What real processes tell of themselves while a customer is served: figures that add up, lines that belong together,
and never who the customer is or what was said."""

import json
import re
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bench.crew import CEDAR, Crew, open_crew, until
from bench.nursery import Nursery
from frontdesk.serving import listen
from runtime.runtime import Runtime, open_runtime
from runtime.settings import Settings
from store.embedded import EmbeddedPostgres
from store.migrate import migrate
from tests.rig import sign

NAME, NUMBER, WORDS = "Zebulon Quackenbush", "+15125550177", "my sister's xylophone is indigo"
PERSON = "Only Wilhelmina would write this"
REQUEST = "edge-proxy-7f3a.0001"


@pytest.fixture
async def alone(settings: Settings) -> AsyncIterator[Runtime]:
    """On a Postgres of its own: figures are of the whole database, and other tests leave work due in theirs."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-") as directory:
        server = EmbeddedPostgres.start(Path(directory) / "postgres")
        migrate(server.owner_url)
        server.create_login()
        async with open_runtime(replace(settings, database_url=server.url)) as opened:
            yield opened
        server.stop()


@pytest.fixture
async def crew(
    alone: Runtime, tmp_path: Path, redis_url: str | None, nursery: Nursery
) -> AsyncIterator[Crew]:
    business = CEDAR | {"workspace": {"name": "Canary Dental Incorporated"}}
    async with open_crew(
        alone, tmp_path, redis_url, (business,), nursery, FRONTDESK_METRICS_TOKEN="letmein-letmein"
    ) as opened:
        yield opened


async def test_a_customer_is_followed_through_logs_and_figures_without_being_named(crew: Crew) -> None:
    ports = await _start(crew)
    await _said(crew, f"hi, I am {NAME}, {WORDS}, call me on 512-555-0177")
    await _said(crew, "what are your opening hours?")
    await until(crew.settled, "the answers", crew)
    await _api(crew, PERSON)
    await until(crew.settled, "the person's words", crew)
    await _unsigned(crew)
    figures = {name: await _figures(crew, port) for name, port in ports.items()}
    lines = [json.loads(line) for line in crew.log.read_text().splitlines()]

    _nobody_is_named(crew, crew.log.read_text() + "".join(figures.values()))
    _they_add_up(figures)
    _they_belong_together(lines)


def _nobody_is_named(crew: Crew, told: str) -> None:
    secret = [NAME, "Zebulon", "Quackenbush", "xylophone", "indigo", "Wilhelmina", "opening hours", "Olive"]
    numbers = [NUMBER, NUMBER[1:], "5125550177", "512-555-0177", crew.businesses[0].number[1:]]
    business = [crew.businesses[0].name, "Canary", crew.businesses[0].api_key, crew.rt.settings.secrets[0]]
    for canary in (*secret, *numbers, *business, "letmein"):
        assert canary.lower() not in told.lower(), canary


def _they_add_up(figures: dict[str, str]) -> None:
    web, worker, scheduler = figures["web"], figures["worker"], figures["scheduler"]
    assert _value(web, 'frontdesk_webhooks_total{door="messages",outcome="stored"}') == 2
    assert _value(web, 'frontdesk_webhooks_total{door="messages",outcome="refused"}') == 1
    assert _value(web, 'frontdesk_webhook_seconds_count{door="messages"}') == 3
    accepted = _value(worker, 'frontdesk_deliveries_total{outcome="accepted"}')
    assert accepted >= 2
    assert _value(worker, 'frontdesk_stage_seconds_count{stage="sending"}') == accepted
    ended = r'frontdesk_turns_total\{.*outcome="(?:saved|superseded|fenced)"\} (\S+)'
    turns = sum(float(n) for n in re.findall(ended, worker))
    assert turns == _value(worker, 'frontdesk_stage_seconds_count{stage="saving"}') >= 1
    for one in (web, worker, scheduler):
        assert _value(one, "frontdesk_database_up") == 1
        assert _value(one, 'frontdesk_pool_connections{state="most"}') >= 1
        for queue in ("inbox", "turns", "deliveries", "attachments", "timers"):
            assert _value(one, f'frontdesk_oldest_due_seconds{{queue="{queue}"}}') < 60
        for state in ("queued", "sending", "unknown"):
            assert _value(one, f'frontdesk_deliveries_unsettled{{state="{state}"}}') >= 0
        assert _value(one, 'frontdesk_channels{state="suspended"}') >= 0


def _they_belong_together(lines: list[dict[str, Any]]) -> None:
    """One request id from the webhook through the turn to the delivery, and ids to look further by."""
    ours = [one for one in lines if REQUEST in (one.get("request"), *one.get("requests", ()))]
    by_process = {one["process"]: one for one in ours}
    assert set(by_process) >= {"web", "worker"}
    webhook = [one for one in ours if one["event"] == "webhooks kept"]
    turn = [one for one in ours if one["event"].startswith("turn saved")]
    delivery = [one for one in ours if one["event"] == "delivery accepted"]
    assert webhook
    assert turn
    assert delivery
    assert {one["conversation"] for one in turn + delivery} == {turn[0]["conversation"]}
    assert {one["turn"] for one in delivery} <= {one["turn"] for one in turn}
    assert all(one["delivery"] for one in delivery)


def _value(figures: str, name: str) -> float:
    (found,) = [line.rpartition(" ")[2] for line in figures.splitlines() if line.startswith(f"{name} ")]
    return float(found)


async def _start(crew: Crew) -> dict[str, int]:
    await crew.start("web")
    ports = {"web": crew.ports["web"]}
    for name in ("worker", "scheduler"):
        with listen("127.0.0.1", 0) as listener:
            ports[name] = listener.getsockname()[1]
        await crew.start(name, options=("--metrics-port", str(ports[name])))

    async def all_there() -> bool:
        return all([await _ready(crew, port) for port in ports.values()])

    await until(all_there, "every process", crew)
    return ports


async def _ready(crew: Crew, port: int) -> bool:
    try:
        return (await crew.rt.http.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
    except httpx2.HTTPError:
        return False


async def _figures(crew: Crew, port: int) -> str:
    url = f"http://127.0.0.1:{port}/metrics"
    assert (await crew.rt.http.get(url)).status_code == 401
    reply = await crew.rt.http.get(url, headers={"Authorization": "Bearer letmein-letmein"})
    assert reply.status_code == 200
    return reply.text


async def _said(crew: Crew, words: str) -> None:
    """As Twilio would, through a proxy that gives every request an id."""
    business, account = crew.businesses[0], crew.provider.state.config
    url = f"{crew.url('web')}/channels/{business.channel_id}/messages"
    sid = crew.provider.state.sid("SM")
    form = [
        ("MessageSid", sid), ("SmsSid", sid), ("SmsMessageSid", sid), ("SmsStatus", "received"), ("NumMedia", "0"),
        ("AccountSid", account.account_sid), ("From", NUMBER), ("To", business.number), ("Body", words),
        ("ProfileName", NAME),
    ]  # fmt: skip
    signature = sign(account.auth_token, url, form)
    headers = {"X-Twilio-Signature": signature, "X-Request-Id": REQUEST}
    reply = await crew.rt.http.post(url, data=dict(form), headers=headers)
    assert (reply.status_code, reply.headers["X-Request-Id"]) == (200, REQUEST)


async def _unsigned(crew: Crew) -> None:
    """A stranger, who puts a number where an id belongs."""
    url = f"{crew.url('web')}/channels/{crew.businesses[0].channel_id}/messages"
    reply = await crew.rt.http.post(
        url, data={"From": NUMBER, "Body": WORDS}, headers={"X-Request-Id": NUMBER[1:]}
    )
    assert reply.status_code == 403
    assert reply.headers["X-Request-Id"] != NUMBER[1:]


async def _api(crew: Crew, words: str) -> None:
    business = crew.businesses[0]
    base, headers = f"{crew.url('web')}/api/v1/workspaces/{business.id}", {"X-API-Key": business.api_key}
    (found,) = (await crew.rt.http.get(f"{base}/conversations", headers=headers)).json()["items"]
    body = {"text": words}
    reply = await crew.rt.http.post(
        f"{base}/conversations/{found['id']}/messages", json=body, headers=headers
    )
    assert reply.status_code < 300, reply.text
