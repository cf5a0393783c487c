"""Outbound messages: what is refused, and what becomes of what is accepted."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from simulators.common.chaos import Rule
from simulators.twilio import content, segments
from simulators.twilio.callbacks import Mailer, describe
from simulators.twilio.errors import TwilioError
from simulators.twilio.rest import moment
from simulators.twilio.state import FINAL, Account, Media, Message, Service, Simulation

ADDRESS = re.compile(r"^(whatsapp:)?\+[1-9]\d{6,14}$|^whatsapp:[A-Z]{2}\.[0-9A-Za-z]{1,128}$")
REFUSED = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
    "+15005551429": 20429,
}
UNDELIVERED = {f"+1500555{code}": 30_000 + code % 10 for code in (3003, 3004, 3005, 3006, 3007, 3008)}
FAILED = {"+15005553001": 30001}
ENDLESS = "+15005553000"
# Lost before a carrier saw it: "failed"; refused or lost by the carrier: "undelivered".
NEVER_SENT = frozenset({30001, 30002, 30036, 63016})


@dataclass(frozen=True)
class Draft:
    """A create request that was found good."""

    to: str
    sender: str
    service: Service | None
    body: str
    media_urls: tuple[str, ...]
    status_callback: str
    validity: int
    send_at: datetime | None
    content_sid: str = ""


def check(simulation: Simulation, account: Account, form: Mapping[str, str], media_urls: list[str]) -> Draft:
    """In Twilio's order: what is missing, who sends, to whom, what."""
    to = form.get("To", "")
    if not to:
        raise TwilioError(21604)
    service = _service(simulation, account, form.get("MessagingServiceSid", ""))
    sender = service.numbers[0] if service else _sender(simulation, account, form.get("From", ""))
    _check_receiver(simulation, sender, to)
    content_sid = form.get("ContentSid", "")
    body = content.render(simulation, account, form) if content_sid else form.get("Body", "")
    _check_content(body, media_urls)
    _check_queue(simulation, sender)
    callback = form.get("StatusCallback") or (service.status_callback if service else "")
    send_at = moment(form["SendAt"]) if form.get("SendAt") and service else None
    return Draft(
        to, sender, service, body, tuple(media_urls), callback, _validity(form), send_at, content_sid
    )


def _service(simulation: Simulation, account: Account, sid: str) -> Service | None:
    service = simulation.services.get(sid)
    if not sid:
        return None
    if service is None or service.account_sid != account.sid:
        raise TwilioError(21701, sid)
    if not service.numbers:
        raise TwilioError(21703, sid)
    return service


def _sender(simulation: Simulation, account: Account, sender: str) -> str:
    if not sender:
        raise TwilioError(21603)
    if sender == "+15005550008":
        raise TwilioError(21611, sender)
    owned = simulation.find_number(sender)
    if sender != "+15005550006" and (owned is None or owned.account_sid != account.sid):
        raise TwilioError(21606, sender)
    return sender


def _check_receiver(simulation: Simulation, sender: str, to: str) -> None:
    if not ADDRESS.match(to):
        raise TwilioError(21211, to)
    if to.startswith("whatsapp:") != sender.startswith("whatsapp:"):
        raise TwilioError(21910)
    if to in REFUSED:
        raise TwilioError(REFUSED[to], to)
    if (sender, to) in simulation.stops:
        raise TwilioError(21610)


def _check_content(body: str, media_urls: list[str]) -> None:
    if not body and not media_urls:
        raise TwilioError(21602)
    if len(body) > 1600:
        raise TwilioError(21617)
    if len(media_urls) > 10:
        raise TwilioError(21623)


def _check_queue(simulation: Simulation, sender: str) -> None:
    limit = simulation.config.queue_length
    if limit is None:
        return
    waiting = sum(
        m.sender == sender and m.status in ("queued", "accepted") for m in simulation.messages.values()
    )
    if waiting >= limit:
        raise TwilioError(21611, sender)


def _validity(form: Mapping[str, str]) -> int:
    text = form.get("ValidityPeriod") or "36000"
    if not text.isdigit() or not 1 <= int(text) <= 36_000:
        raise TwilioError(21624, text)
    return int(text)


def accept(
    simulation: Simulation, account_sid: str, draft: Draft, origin: str, request_id: str | None = None
) -> Message:
    """Takes it into the ledger."""
    sid = simulation.sid("MM" if draft.media_urls else "SM")
    first = "scheduled" if draft.send_at else "accepted" if draft.service else "queued"
    message = Message(
        sid=sid,
        seq=len(simulation.messages) + 1,
        account_sid=account_sid,
        sender=draft.sender,
        to=draft.to,
        body=draft.body,
        origin=origin,
        status=first,
        created=datetime.now(UTC),
        clocked=simulation.now(),
        segments=segments.count(draft.body),
        content_sid=draft.content_sid,
        service_sid=draft.service.sid if draft.service else None,
        status_callback=draft.status_callback,
        request_id=request_id,
        validity=draft.validity,
        send_at=draft.send_at,
    )
    message.media = [_media(simulation, message, url) for url in draft.media_urls]
    simulation.messages[sid] = message
    return message


def _media(simulation: Simulation, message: Message, url: str) -> Media:
    now = datetime.now(UTC)
    media = Media(simulation.sid("ME"), message.account_sid, message.sid, "image/jpeg", now, source_url=url)
    simulation.media[media.sid] = media
    return media


def reply(
    simulation: Simulation,
    account_sid: str,
    sender: str,
    to: str,
    body: str,
    origin: str,
    media_urls: tuple[str, ...] = (),
) -> Message:
    """What Twilio itself sends because of an inbound: the TwiML answer, or the words for STOP."""
    draft = Draft(to, sender, None, body, media_urls, "", 36_000, None)
    message = accept(simulation, account_sid, draft, origin)
    simulation.spawn(live(simulation, message, {}))
    return message


async def live(simulation: Simulation, message: Message, rules: Mapping[str, Rule]) -> None:
    """From accepted to the end, one status after another, each told to the status callback."""
    token = simulation.accounts[message.account_sid].auth_token
    mailer = Mailer(simulation, message.status_callback, token, rules)
    await _wait_for_turn(simulation, message)
    for status, code in _steps(simulation, message, rules):
        await simulation.pause(simulation.config.step_delay)
        if message.status in FINAL:
            break
        message.become(status, code)
        mailer.tell(status, describe(message, status))
    if message.status == "canceled":
        mailer.tell("canceled", describe(message, "canceled"))
    await mailer.finish()


def _steps(
    simulation: Simulation, message: Message, rules: Mapping[str, Rule]
) -> list[tuple[str, int | None]]:
    code = int(rules["fail_with"].settings["code"]) if "fail_with" in rules else _fate(simulation, message)
    before: list[tuple[str, int | None]] = [("queued", None)] if message.status == "accepted" else []
    if code in NEVER_SENT:
        return [*before, ("sending", None), ("failed", code)]
    if message.to == ENDLESS:
        return [*before, ("sending", None), ("sent", None)]
    return [
        *before,
        ("sending", None),
        ("sent", None),
        ("undelivered", code) if code else ("delivered", None),
        *([("read", None)] if _reads(simulation, message) and not code else []),
    ]


def _reads(simulation: Simulation, message: Message) -> bool:
    handset = simulation.handsets.get(message.to)
    return message.to.startswith("whatsapp:") and handset is not None and handset.reads


def _fate(simulation: Simulation, message: Message) -> int | None:
    """The error code this message will meet. WhatsApp: no free text but within 24 h of their last message."""
    handset = simulation.handsets.get(message.to)
    if handset and handset.fail_with:
        return handset.fail_with
    free = message.body and not message.content_sid
    if message.to.startswith("whatsapp:") and free and not _window_open(simulation, message):
        return 63016
    return UNDELIVERED.get(message.to) or FAILED.get(message.to)


def _window_open(simulation: Simulation, message: Message) -> bool:
    return any(
        m.origin == "handset"
        and (m.sender, m.to) == (message.to, message.sender)
        and ((message.clocked or message.created) - (m.clocked or m.created)).total_seconds() < 86_400
        for m in simulation.messages.values()
    )


async def _wait_for_turn(simulation: Simulation, message: Message) -> None:
    """Until its hour if scheduled, then until the sender's rate lets it through; too late is 30036."""
    if message.send_at:
        await simulation.pause(max((message.send_at - datetime.now(UTC)).total_seconds(), 0))
    rate, now = simulation.config.messages_per_second, time.monotonic()
    if rate is None:
        return
    turn = max(now, simulation.free_at.get(message.sender, now))
    if turn - now > message.validity:
        return message.become("failed", 30036)
    simulation.free_at[message.sender] = turn + 1 / rate
    await simulation.pause(turn - now)
