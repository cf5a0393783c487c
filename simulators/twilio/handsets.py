"""The customers' phones: what they send becomes a webhook, what reaches them is on their screen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from simulators.twilio import optout, outbound, segments, twiml
from simulators.twilio.callbacks import Delivery, Webhook, post
from simulators.twilio.state import Account, Json, Media, Message, Number, Simulation

PLACE = {"City": "AUSTIN", "State": "TX", "Zip": "78701", "Country": "US"}


@dataclass(frozen=True)
class Attachment:
    content_type: str
    content: bytes
    name: str = ""


@dataclass(frozen=True)
class Text:
    """What a person presses send on; `times`, `sign_with` and `message_sid` are for mischief."""

    to: str
    body: str
    media: Sequence[Attachment] = ()
    times: int = 1
    sign_with: str | None = None
    message_sid: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    """WhatsApp: further parameters of the webhook (ButtonPayload, ListId, Latitude, ProfileName, MessageType …)."""


async def send(simulation: Simulation, handset: str, text: Text) -> tuple[Message, list[Delivery]]:
    """One message resource and `times` webhooks at once, all with one MessageSid and one idempotency token.

    LookupError when nobody owns the number.
    """
    number = simulation.find_number(text.to)
    if number is None:
        raise LookupError(f"nobody owns {text.to}")
    account = simulation.accounts[number.account_sid]
    message = simulation.messages.get(text.message_sid or "")
    if message is None:
        message = _receive(simulation, handset, number, text)
        _heed(simulation, message)
    params = describe(simulation, message)
    if not number.settings.get("SmsUrl"):
        return message, []
    webhook = Webhook(
        "message",
        number.settings["SmsUrl"],
        params,
        text.sign_with or account.auth_token,
        number.settings.get("SmsMethod", "POST"),
    )
    deliveries = await asyncio.gather(*(_deliver(simulation, number, webhook) for _ in range(text.times)))
    if not text.sign_with:
        _answer(simulation, account, message, deliveries[0])
    return message, list(deliveries)


def _heed(simulation: Simulation, message: Message) -> None:
    """STOP, START and HELP work at once, whatever the webhook says."""
    if message.sender.startswith("whatsapp:"):
        return  # Twilio answers no keyword there, unless Advanced Opt-Out is set up for it
    choice = optout.apply(simulation, message.to, message.sender, message.body)
    if choice is None:
        return
    message.opt_out_type = choice.kind
    if choice.reply:
        outbound.reply(simulation, message.account_sid, message.to, message.sender, choice.reply, "opt_out")


async def _deliver(simulation: Simulation, number: Number, webhook: Webhook) -> Delivery:
    """To the SmsUrl, and when that failed to the SmsFallbackUrl with what went wrong."""
    delivery = await post(simulation, webhook)
    fallback = number.settings.get("SmsFallbackUrl")
    if delivery.error is None or not fallback:
        return delivery
    params = {**webhook.params, "ErrorCode": str(delivery.error), "ErrorUrl": webhook.url}
    method = number.settings.get("SmsFallbackMethod", "POST")
    return await post(
        simulation,
        Webhook("message", fallback, params, webhook.auth_token, method, webhook.idempotency_token),
    )


def _receive(simulation: Simulation, handset: str, number: Number, text: Text) -> Message:
    # A lone surrogate can be typed into JSON but not sent over a phone network.
    body = text.body.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    message = Message(
        sid=text.message_sid or simulation.sid("MM" if text.media else "SM"),
        seq=len(simulation.messages) + 1,
        account_sid=number.account_sid,
        sender=handset,
        to=number.number,
        body=body,
        origin="handset",
        status="received",
        created=datetime.now(UTC),
        clocked=simulation.now(),
        extra=dict(text.extra),
        segments=segments.count(body),
    )
    message.media = [_keep(simulation, message, attachment) for attachment in text.media]
    simulation.messages[message.sid] = message
    return message


def _keep(simulation: Simulation, message: Message, attachment: Attachment) -> Media:
    media = Media(
        simulation.sid("ME"),
        message.account_sid,
        message.sid,
        attachment.content_type,
        message.created,
        content=attachment.content,
        name=attachment.name,
    )
    simulation.media[media.sid] = media
    return media


def describe(simulation: Simulation, message: Message) -> dict[str, str]:
    """The webhook's parameters.

    Source: https://www.twilio.com/docs/messaging/guides/webhook-request
    """
    params = {
        "ToCountry": "US",
        "ToState": "TX",
        "ToCity": "AUSTIN",
        "ToZip": "78702",
        "SmsMessageSid": message.sid,
        "NumMedia": str(len(message.media)),
        "SmsSid": message.sid,
        "SmsStatus": "received",
        "Body": message.body,
        "To": message.to,
        "NumSegments": str(message.segments),
        "MessageSid": message.sid,
        "AccountSid": message.account_sid,
        "From": message.sender,
        "ApiVersion": "2010-04-01",
        **{f"From{name}": value for name, value in PLACE.items()},
    }
    for at, media in enumerate(message.media):
        params[f"MediaUrl{at}"] = simulation.origin + media.uri
        params[f"MediaContentType{at}"] = media.content_type
    service = next((one for one in simulation.services.values() if message.to in one.numbers), None)
    if service:
        params["MessagingServiceSid"] = service.sid
    if message.opt_out_type:
        params["OptOutType"] = message.opt_out_type
    return params | _whatsapp(message)


def _whatsapp(message: Message) -> dict[str, str]:
    if not message.sender.startswith("whatsapp:"):
        return {}
    kind = message.media[0].content_type.partition("/")[0] if message.media else "text"
    who = message.sender.removeprefix("whatsapp:")
    return {
        **({"WaId": who[1:]} if who.startswith("+") else {"ExternalUserId": who}),
        "ProfileName": "Simulated Handset",
        "MessageType": kind,
        "ChannelMetadata": '{"type":"whatsapp","data":{"context":{}}}',
        **message.extra,
    }


def _answer(simulation: Simulation, account: Account, message: Message, delivery: Delivery) -> None:
    """The TwiML answer becomes messages, unless the pair is stopped (21610) or it is no TwiML."""
    try:
        answers = twiml.replies(delivery)
    except twiml.BadTwiml as bad:
        delivery.error = bad.code
        return
    for answer in answers:
        to = answer.to or message.sender
        if (message.to, to) in simulation.stops:
            delivery.error = 21610
        elif answer.body or answer.media_urls:
            outbound.reply(
                simulation, account.sid, message.to, to, answer.body[:1600], "twiml", answer.media_urls
            )


def screen(simulation: Simulation, handset: str, peer: str | None, after: int) -> list[Json]:
    """Everything on this phone in order; `direction` is the phone's own: out is what the person wrote.

    Outbound messages of ours are here from acceptance on: `status` says whether they have arrived.
    """
    return [
        _line(simulation, message)
        for message in simulation.messages.values()
        if handset in (message.sender, message.to)
        and message.seq > after
        and peer in (None, message.sender, message.to)
    ]


def _line(simulation: Simulation, message: Message) -> Json:
    return {
        "seq": message.seq,
        "sid": message.sid,
        "direction": "in" if message.outbound else "out",
        "origin": message.origin,
        "from": message.sender,
        "to": message.to,
        "body": message.body,
        "media": [_attachment(simulation, media) for media in message.media],
        "status": message.status,
        "error_code": message.error_code,
        "at": message.created.timestamp(),
    }


def _attachment(simulation: Simulation, media: Media) -> Json:
    url = media.source_url or simulation.origin + media.uri
    return {"sid": media.sid, "content_type": media.content_type, "name": media.name, "url": url}
