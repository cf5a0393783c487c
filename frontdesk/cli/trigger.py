"""`frontdesk trigger`: a provider's webhook, signed as the provider would, against the local server."""

import asyncio
import base64
import hmac
import json
import mimetypes
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha1
from pathlib import Path
from typing import Annotated
from uuid import UUID

import httpx2
import typer

from domain import segments
from frontdesk.cli import place
from frontdesk.cli.processes import fail
from runtime.demo import BadDemo
from runtime.http import open_client
from runtime.runtime import open_runtime
from runtime.settings import BadSettings, Settings
from store import channels
from store.db import UNAVAILABLE

KIND = "twilio_sms"
_NUMBER = r"\+[1-9][0-9]{6,14}"


def trigger(
    what: Annotated[str, typer.Argument(help="sms; whatsapp and voice are not built yet.")],
    text: Annotated[str, typer.Argument(help="What the customer writes; may be empty with --media.")],
    to: Annotated[str, typer.Option("--to", help="The channel: its id or its number.")],
    sender: Annotated[str, typer.Option("--from", help="The customer's number.")],
    url: Annotated[str, typer.Option(help="Where to post. Default: FRONTDESK_PUBLIC_URL.")] = "",
    media: Annotated[list[str] | None, typer.Option(help="URL of an attachment; may be repeated.")] = None,
    sid: Annotated[str, typer.Option(help="MessageSid, to send the same message again. Default: new.")] = "",
    data_dir: Annotated[Path | None, typer.Option(help="Where `up` keeps everything. Default: .data")] = None,
    json: Annotated[bool, typer.Option("--json", help="The outcome as JSON.")] = False,
) -> None:
    """Post a correctly signed Twilio webhook to this server, as if a customer had texted.

    Example: `frontdesk trigger sms --to +15125550199 --from +15125550123 "are you open?"`
    """
    _only_sms(what)
    if not re.fullmatch(_NUMBER, sender):
        fail(f"--from {sender!r} is not a telephone number; write it like +15125550123", 2)
    try:
        settings = place.settings(data_dir)
        channel = asyncio.run(_find(settings, to))
    except (BadSettings, BadDemo) as error:
        fail(str(error), 2)
    except UNAVAILABLE as error:
        fail(f"the database does not answer ({type(error).__name__}); is frontdesk running?", 4)
    form = describe(channel, sender, text, media or [], sid)
    path = f"/channels/{channel.id}/messages"
    signature = sign(channel.auth_token, settings.public_url + path, form)
    try:
        outcome = asyncio.run(_post((url or settings.public_url).rstrip("/") + path, form, signature))
    except httpx2.HTTPError as error:
        fail(
            f"nothing answers at {url or settings.public_url} ({type(error).__name__}); start it with make run",
            4,
        )
    _print(outcome, json)
    raise typer.Exit(0 if 200 <= outcome.status < 300 else 1)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the webhook goes, and with whose token it is signed."""

    id: UUID
    address: str
    account_sid: str
    auth_token: str


@dataclass(frozen=True, slots=True)
class Outcome:
    status: int
    body: str
    ms: float
    sid: str
    url: str


def describe(channel: Target, sender: str, text: str, media: list[str], sid: str = "") -> dict[str, str]:
    """The webhook's fields. Source: https://www.twilio.com/docs/messaging/guides/webhook-request"""
    sid = sid or ("MM" if media else "SM") + secrets.token_hex(16)
    form = {"MessageSid": sid, "SmsSid": sid, "SmsMessageSid": sid, "AccountSid": channel.account_sid}
    form |= {"From": sender, "To": channel.address, "Body": text, "SmsStatus": "received"}
    form |= {
        "NumMedia": str(len(media)),
        "NumSegments": str(segments.count(text).segments),
        "ApiVersion": "2010-04-01",
    }
    for n, one in enumerate(media):
        form[f"MediaUrl{n}"] = one
        form[f"MediaContentType{n}"] = mimetypes.guess_type(one.partition("?")[0])[0] or "image/jpeg"
    return form


def sign(token: str, url: str, form: Mapping[str, str]) -> str:
    """X-Twilio-Signature. Source: https://www.twilio.com/docs/usage/security"""
    signed = url + "".join(key + form[key] for key in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), sha1).digest()).decode()


def _only_sms(what: str) -> None:
    if what in ("whatsapp", "voice"):
        fail(f"only sms exists in this version; {what} is not built yet", 2)
    if what != "sms":
        fail(f"there is no webhook {what!r}; this version has sms", 2)


async def _find(settings: Settings, name: str) -> Target:
    """The channel with this id or number, and its credentials, or those it falls back to."""
    async with open_runtime(settings) as rt:
        async with rt.db.dispatch() as dispatch:
            key = _uuid(name)
            places = await channels.locate(dispatch, KIND, name) if key is None else []
            workspace = await channels.workspace_of(dispatch, key) if key else None
        if key and workspace:
            places = [(workspace, key)]
        if len(places) != 1:
            fail(f"{'several channels have' if places else 'no channel has'} the id or number {name!r}", 2)
        async with rt.db.transaction(places[0][0]) as tx:
            row = await channels.get(tx, places[0][1])
        if row is None or row.kind != KIND:
            fail(f"{name!r} is no channel for text messages", 2)
        credentials = rt.open_channel(row).account.credentials
    if not credentials.get("auth_token"):
        fail("this channel has no auth_token to sign with: give it credentials, or set TWILIO_AUTH_TOKEN", 2)
    return Target(row.id, row.address, credentials.get("account_sid", ""), credentials["auth_token"])


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _post(url: str, form: Mapping[str, str], signature: str) -> Outcome:
    async with open_client() as http:
        started = time.perf_counter()
        answer = await http.post(
            url, data=dict(form), headers={"X-Twilio-Signature": signature}, timeout=15.0
        )
        ms = round((time.perf_counter() - started) * 1000, 1)
    return Outcome(answer.status_code, answer.text, ms, form["MessageSid"], url)


def _print(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        return typer.echo(json.dumps(asdict(outcome)))
    typer.echo(f"{outcome.status} in {outcome.ms} ms, {outcome.sid}")
    typer.echo(outcome.body)
