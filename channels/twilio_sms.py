"""Text and picture messages over Twilio (SMS, MMS)."""

from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from channels import twilio, twilio_rest
from channels.base import Ack, Channel, Fetch, Hook, Http, Sent
from channels.forms import clean
from domain import segments
from domain.errors import BadPayload, Disposition, SendFailed
from domain.messages import Address, Event, Inbound, Outbound, Scheme

_TRIAL = "Sent from your Twilio trial account - "


class TwilioSMS(Channel):
    """Credentials: account_sid, auth_token. Settings: messaging_service_sid, max_segments (10),
    smart_encoding (true), timeout_s (10)."""

    kind = "twilio_sms"
    scheme = Scheme.TEL

    def verify(self, hook: Hook) -> None:
        twilio.check_signature(self.account, hook)

    def parse(self, hook: Hook) -> list[Event]:
        form = twilio.fields(hook)
        if not twilio.is_message_event(form):
            return []
        if twilio.is_status(form):
            return [*twilio.statuses(form, hook.query)]
        return [*self._inbound(form)]

    def ack(self) -> Ack:
        return twilio.ACK

    def split(self, text: str) -> list[str]:
        text = clean(text)
        said = self.account.settings.get("max_segments")
        limit = said if isinstance(said, int) and said > 0 else 10
        smart = self.account.settings.get("smart_encoding", True)
        return segments.split(segments.to_gsm(text) if smart else text, limit)

    async def send(self, http: Http, message: Outbound) -> Sent:
        form = [("To", message.to.value), self._sender(), ("Body", message.text)]
        form += [("MediaUrl", url) for url in message.media_urls]
        form += [("StatusCallback", message.status_url)]
        return Sent(await twilio_rest.create(http, self.account, [(k, clean(v)) for k, v in form if v]))

    async def find(self, http: Http, message: Outbound, since: datetime) -> list[Sent]:
        """Twilio's DateSent knows days only and passes over what has not left yet, and its order is by that
        date: so all of the pair's messages are read and compared here. Its times are whole seconds, and so
        is `since` taken."""
        floor, found = since.replace(microsecond=0), list[tuple[datetime, str]]()
        path = twilio_rest.search(self.account, [*self._pair(message), ("PageSize", "1000")])
        for _ in range(twilio_rest.MAX_PAGES):
            rows, path = await twilio_rest.page(http, self.account, path)
            found += [(_created(row), str(row.get("sid"))) for row in rows if self._is(row, message)]
            if not path:
                found.reverse()  # newest first it came; sorting keeps the order within one second
                return [Sent(sid) for at, sid in sorted(found, key=lambda one: one[0]) if at >= floor]
        raise SendFailed(Disposition.RETRY, detail="too many messages to search")

    async def missed(self, http: Http, since: datetime) -> list[Event]:
        """Twilio does not come again after a webhook that was answered with an error, and once after one that was
        not answered; its list has them all, the newest first."""
        floor, found = since.replace(microsecond=0), list[Event]()
        to = [("To", self._own_address()), ("DateSent>", since.date().isoformat()), ("PageSize", "200")]
        path = twilio_rest.search(self.account, to)
        for _ in range(twilio_rest.MAX_PAGES):
            rows, path = await twilio_rest.page(http, self.account, path)
            for row in rows:
                if _created(row) >= floor and str(row.get("direction")) == "inbound":
                    form = twilio.as_webhook(row, await twilio_rest.media(http, self.account, row))
                    found += [replace(one, sent_at=_created(row)) for one in self._inbound(form)]
            if not path or (rows and _created(rows[-1]) < floor):
                return found[::-1]
        raise SendFailed(Disposition.RETRY, detail="too many messages to read")

    def fetch(self) -> Fetch:
        return twilio.fetch(self.account)

    def _own_address(self) -> str:
        """As Twilio writes it in `To`."""
        return self.account.address

    def _inbound(self, form: dict[str, str]) -> list[Inbound]:
        provider_id, sender = twilio.sid(form), twilio.number(twilio.required(form, "From"))
        if ":" in sender or not self._is_ours(form):  # "whatsapp:+1…" is another channel's
            return []
        text, media = twilio.words(form), twilio.media(form)
        if "Body" not in form and not media:
            raise BadPayload("Body is missing")
        address = Address(self.scheme, sender)
        return [Inbound(provider_id, address, text, media, keyword=twilio.keyword(form, text))]

    def _is_ours(self, form: dict[str, str]) -> bool:
        to = twilio.number(twilio.required(form, "To"))
        if ":" in to:
            return False
        service = self._service()  # it picks the sender from its pool, so an answer may come to any of them
        pooled = bool(service) and form.get("MessagingServiceSid") == service
        return pooled or to == twilio.number(self.account.address)

    def _service(self) -> str:
        return str(self.account.settings.get("messaging_service_sid") or "")

    def _sender(self) -> tuple[str, str]:
        service = self._service()
        return ("MessagingServiceSid", service) if service else ("From", self.account.address)

    def _pair(self, message: Outbound) -> list[tuple[str, str]]:
        """A messaging service picks the sender, perhaps later: then only the receiver is known."""
        return [(k, v) for k, v in (("To", message.to.value), self._sender()) if k in ("To", "From")]

    def _is(self, row: dict[str, Any], message: Outbound) -> bool:
        """Ours, with the same words; a message of pictures alone is known by their number."""
        if str(row.get("direction", "outbound")).startswith("inbound"):
            return False
        if (service := self._service()) and row.get("messaging_service_sid") != service:
            return False
        said, text = str(row.get("body") or "").removeprefix(_TRIAL).strip(), clean(message.text).strip()
        return said == text and (bool(text) or row.get("num_media") == str(len(message.media_urls)))


def _created(row: dict[str, Any]) -> datetime:
    try:
        at = parsedate_to_datetime(str(row.get("date_created")))
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise SendFailed(Disposition.RETRY, detail="a message without a date") from None
