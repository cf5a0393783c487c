"""WhatsApp through Twilio: the same wire as its text messages, with addresses "whatsapp:+1…"."""

import json
from typing import Any

from channels import twilio, twilio_content, twilio_rest
from channels.base import Http, Sent, Submitted, Template
from channels.forms import clean
from channels.twilio_sms import TwilioSMS
from domain import lengths
from domain.errors import BadPayload
from domain.messages import Address, Inbound, Keyword, Kind, Outbound, Scheme

PREFIX = "whatsapp:"
TEXT = 1600  # characters
_KEYWORDS = {"STOP": Keyword.STOP, "START": Keyword.START, "HELP": Keyword.HELP}


class TwilioWhatsApp(TwilioSMS):
    """Credentials: account_sid, auth_token. Settings: messaging_service_sid, timeout_s (10). The channel's
    address is the bare number ("+15125550199")."""

    kind = "twilio_whatsapp"
    scheme = Scheme.WHATSAPP
    shows_reading = True
    templates = True

    def split(self, text: str) -> list[str]:
        return lengths.split(clean(text), TEXT)

    async def send(self, http: Http, message: Outbound) -> Sent:
        form = [("To", PREFIX + message.to.value), self._sender(), *_content(message)]
        form += [("StatusCallback", message.status_url)]
        return Sent(await twilio_rest.create(http, self.account, [(k, clean(v)) for k, v in form if v]))

    async def seen(self, http: Http, provider_id: str) -> None:
        await twilio_content.seen(http, self.account, provider_id)

    async def submit(self, http: Http, template: Template) -> Submitted:
        return await twilio_content.submit(http, self.account, template)

    async def review(self, http: Http, template: Template, provider_id: str) -> Submitted:
        return await twilio_content.review(http, self.account, provider_id)

    def _sender(self) -> tuple[str, str]:
        name, value = super()._sender()
        return (name, self._own_address()) if name == "From" else (name, value)

    def _pair(self, message: Outbound) -> list[tuple[str, str]]:
        to = ("To", PREFIX + message.to.value)
        return [(k, v) for k, v in (to, self._sender()) if k in ("To", "From")]

    def _is(self, row: dict[str, Any], message: Outbound) -> bool:
        """As it left: with the buttons written under the text."""
        return super()._is(row, _written(message))

    def _own_address(self) -> str:
        return f"{PREFIX}{self.account.address}"

    def _inbound(self, form: dict[str, str]) -> list[Inbound]:
        if not self._is_ours(form):
            return []
        sender = _person(form)
        if sender is None:
            return []
        kind, text = _read(form)
        media = twilio.media(form)
        if kind is Kind.TEXT and "Body" not in form and not media:
            if not form.get("MessageType"):
                raise BadPayload("Body is missing")
            kind = Kind.UNSUPPORTED
        return [
            Inbound(
                twilio.sid(form),
                Address(self.scheme, sender),
                text,
                media,
                sender_name=form.get("ProfileName", "").strip() or None,
                keyword=_KEYWORDS.get(form.get("OptOutType", "").strip().upper()),
                kind=kind,
                choice=_choice(form) if kind is Kind.CHOICE else None,
                reply_to=form.get("OriginalRepliedMessageSid", "").strip()[:64] or None,
            )
        ]

    def _is_ours(self, form: dict[str, str]) -> bool:
        to = twilio.required(form, "To")
        if not to.startswith(PREFIX):
            return False
        service = self._service()
        pooled = bool(service) and form.get("MessagingServiceSid") == service
        ours = self.account.address.removeprefix(PREFIX)
        return pooled or twilio.number(to.removeprefix(PREFIX)) == twilio.number(ours)


def _person(form: dict[str, str]) -> str | None:
    """A number, or the user id of somebody who shows none; None when it is nobody on WhatsApp."""
    said = form.get("From", "").strip() or PREFIX + form.get("ExternalUserId", "").strip()
    if said == PREFIX:
        raise BadPayload("From is missing")
    if len(said) > 200:
        raise BadPayload("From is too long")
    return twilio.number(said.removeprefix(PREFIX)) if said.startswith(PREFIX) else None


def _read(form: dict[str, str]) -> tuple[Kind, str]:
    """What sort of message it is, and its words."""
    kind, body = form.get("MessageType", "").strip().lower(), form.get("Body", "")
    if kind == "reaction":
        return Kind.REACTION, body
    if form.get("InteractiveData"):
        return Kind.FORM, body or _filled_in(form["InteractiveData"])
    if _choice(form):
        return Kind.CHOICE, form.get("ButtonText") or form.get("ListTitle") or body
    if form.get("Latitude") and form.get("Longitude"):
        return Kind.LOCATION, _place(form, body)
    if kind in ("order", "contacts"):
        return Kind(kind), body
    return (Kind.UNSUPPORTED if kind == "unsupported" else Kind.TEXT), body


def _choice(form: dict[str, str]) -> str | None:
    return form.get("ButtonPayload") or form.get("ListId") or form.get("ButtonText") or None


def _place(form: dict[str, str], body: str) -> str:
    names = [form.get(key, "").strip() for key in ("Label", "Address")]
    place = ", ".join(name for name in names if name) or body.strip()
    point = f"{form['Latitude'].strip()[:20]}, {form['Longitude'].strip()[:20]}"
    return f"{place} ({point})" if place else point


def _filled_in(data: str) -> str:
    """What was filled in, one line a field."""
    try:
        answers = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(answers, dict):
        return ""
    lines = [f"{key}: {value}" for key, value in answers.items() if key != "flow_token"]
    return clean("\n".join(lines))


def _content(message: Outbound) -> list[tuple[str, str]]:
    call = message.template
    if call is not None:
        named = {str(n): value for n, value in enumerate(call.variables, 1)}
        variables = json.dumps(named, ensure_ascii=False) if named else ""
        return [("ContentSid", call.provider_id), ("ContentVariables", variables)]
    body = _written(message).text
    return [("Body", body), *(("MediaUrl", url) for url in message.media_urls)]


def _written(message: Outbound) -> Outbound:
    """Buttons want a Content resource of their own at Twilio; without one they are lines to answer with."""
    if not message.buttons:
        return message
    lines = "".join(f"\n• {button.title}" for button in message.buttons)
    return Outbound(
        message.message_id, message.part, message.to, message.text + lines, message.status_url,
        message.media_urls,
    )  # fmt: skip
