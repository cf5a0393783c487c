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
from dataclasses import asdict, dataclass, replace
from hashlib import sha1, sha256
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import httpx2
import typer

from domain import segments
from frontdesk.cli import place
from frontdesk.cli.ending import fail
from runtime.demo import BadDemo
from runtime.http import open_client
from runtime.runtime import open_runtime
from runtime.settings import BadSettings, Settings
from store import channels
from store.db import UNAVAILABLE

KINDS = {"sms": ("twilio_sms",), "whatsapp": ("twilio_whatsapp", "meta_whatsapp")}
_NUMBER = r"\+[1-9][0-9]{6,14}"
_PERSON = {"sms": _NUMBER, "whatsapp": rf"{_NUMBER}|[A-Z]{{2}}\.[0-9A-Za-z]{{1,128}}"}
"""WhatsApp: also the user id of somebody who shows no number."""


def trigger(
    what: Annotated[str, typer.Argument(help="sms or whatsapp; voice is not built yet.")],
    text: Annotated[str, typer.Argument(help="What the customer writes; may be empty with --media.")],
    to: Annotated[str, typer.Option("--to", help="The channel: its id or its number.")],
    sender: Annotated[str, typer.Option("--from", help="The customer's number; on WhatsApp also a user id.")],
    url: Annotated[str, typer.Option(help="Where to post. Default: FRONTDESK_PUBLIC_URL.")] = "",
    media: Annotated[list[str] | None, typer.Option(help="URL of an attachment; may be repeated.")] = None,
    sid: Annotated[
        str, typer.Option(help="The message's id, to send the same message again. Default: new.")
    ] = "",
    data_dir: Annotated[Path | None, typer.Option(help="Where `up` keeps everything. Default: .data")] = None,
    json: Annotated[bool, typer.Option("--json", help="The outcome as JSON.")] = False,
) -> None:
    """Post a correctly signed webhook of Twilio or Meta to this server, as if a customer had written.

    Example: `frontdesk trigger sms --to +15125550199 --from +15125550123 "are you open?"`
    """
    _only_known(what)
    if not re.fullmatch(_PERSON[what], sender):
        fail(f"--from {sender!r} is not a telephone number; write it like +15125550123", 2)
    try:
        settings = place.settings(data_dir)
        channel = asyncio.run(_find(settings, to, what))
    except (BadSettings, BadDemo) as error:
        fail(str(error), 2)
    except UNAVAILABLE as error:
        fail(f"the database does not answer ({type(error).__name__}); is frontdesk running?", 4)
    webhook = write(channel, settings.public_url, sender, text, media or [], sid)
    try:
        outcome = asyncio.run(_post((url or settings.public_url).rstrip("/") + webhook.path, webhook))
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
    """For Meta: the app's secret."""
    kind: str = "twilio_sms"
    phone_number_id: str = ""


@dataclass(frozen=True, slots=True)
class Webhook:
    path: str
    body: bytes
    headers: Mapping[str, str]
    sid: str


@dataclass(frozen=True, slots=True)
class Outcome:
    status: int
    body: str
    ms: float
    sid: str
    url: str


def write(channel: Target, public_url: str, sender: str, text: str, media: list[str], sid: str) -> Webhook:
    """The request as the channel's provider would make it."""
    if channel.kind == "meta_whatsapp":
        if media:
            fail("Meta names attachments by an id of its own; --media works with Twilio", 2)
        return _of_meta(channel, sender, text, sid or f"wamid.{secrets.token_urlsafe(24)}")
    prefix = "whatsapp:" if channel.kind == "twilio_whatsapp" else ""
    form = describe(replace(channel, address=prefix + channel.address), prefix + sender, text, media, sid)
    if prefix:
        kind = form["MediaContentType0"].partition("/")[0] if media else "text"
        form |= {"ProfileName": "Trigger", "MessageType": kind, "WaId": sender.lstrip("+")}
    path = f"/channels/{channel.id}/messages"
    headers = {
        "X-Twilio-Signature": sign(channel.auth_token, public_url + path, form),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return Webhook(path, urlencode(form).encode(), headers, form["MessageSid"])


def _of_meta(channel: Target, sender: str, text: str, sid: str) -> Webhook:
    """https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components"""
    who = {"from": sender.lstrip("+")} if sender.startswith("+") else {"from_user_id": sender}
    contact = {"wa_id": sender.lstrip("+")} if sender.startswith("+") else {"user_id": sender}
    message = who | {"id": sid, "timestamp": str(int(time.time())), "type": "text", "text": {"body": text}}
    number = {"display_phone_number": channel.address.lstrip("+"), "phone_number_id": channel.phone_number_id}
    value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": number, "messages": [message]}
    value["contacts"] = [{"profile": {"name": "Trigger"}} | contact]
    entry = {"id": "0", "changes": [{"field": "messages", "value": value}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    mac = hmac.new(channel.auth_token.encode(), body, sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={mac}", "Content-Type": "application/json"}
    return Webhook(f"/channels/{channel.id}/webhook", body, headers, sid)


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


def _only_known(what: str) -> None:
    if what == "voice":
        fail("only sms and whatsapp exist in this version; voice is not built yet", 2)
    if what not in KINDS:
        fail(f"there is no webhook {what!r}; this version has sms and whatsapp", 2)


async def _find(settings: Settings, name: str, what: str) -> Target:
    """The channel with this id or number, and its credentials, or those it falls back to."""
    async with open_runtime(settings) as rt:
        async with rt.db.dispatch() as dispatch:
            key = _uuid(name)
            kinds = KINDS[what] if key is None else ()
            places = [place for kind in kinds for place in await channels.locate(dispatch, kind, name)]
            workspace = await channels.workspace_of(dispatch, key) if key else None
        if key and workspace:
            places = [(workspace, key)]
        if len(places) != 1:
            fail(f"{'several channels have' if places else 'no channel has'} the id or number {name!r}", 2)
        async with rt.db.transaction(places[0][0]) as tx:
            row = await channels.get(tx, places[0][1])
        if row is None or row.kind not in KINDS[what]:
            said = "text messages" if what == "sms" else "WhatsApp"
            fail(f"{name!r} is no channel for {said}", 2)
        credentials = rt.open_channel(row).account.credentials
    secret = credentials.get("app_secret" if row.kind == "meta_whatsapp" else "auth_token", "")
    if not secret and row.kind == "meta_whatsapp":
        fail("this channel has no app_secret to sign with: give it credentials", 2)
    if not secret:
        fail("this channel has no auth_token to sign with: give it credentials, or set TWILIO_AUTH_TOKEN", 2)
    sid, number = credentials.get("account_sid", ""), credentials.get("phone_number_id", "")
    return Target(row.id, row.address, sid, secret, row.kind, number)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _post(url: str, webhook: Webhook) -> Outcome:
    async with open_client() as http:
        started = time.perf_counter()
        answer = await http.post(url, content=webhook.body, headers=dict(webhook.headers), timeout=15.0)
        ms = round((time.perf_counter() - started) * 1000, 1)
    return Outcome(answer.status_code, answer.text, ms, webhook.sid, url)


def _print(outcome: Outcome, as_json: bool) -> None:
    if as_json:
        return typer.echo(json.dumps(asdict(outcome)))
    typer.echo(f"{outcome.status} in {outcome.ms} ms, {outcome.sid}")
    typer.echo(outcome.body)
