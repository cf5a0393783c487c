"""WhatsApp through Meta's Cloud API."""

import mimetypes
from datetime import datetime
from typing import Any

from channels import meta, meta_graph
from channels.base import Ack, Channel, Fetch, Hook, Http, Sent, Submitted, Template
from channels.forms import clean
from domain import lengths
from domain.errors import Disposition, SendFailed
from domain.messages import Event, Outbound, Scheme

MOST_BUTTONS, MOST_ROWS = 3, 10
BODY, CAPTION, TEXT = 1024, 1024, 4096  # characters
BUTTON_TITLE, ROW_TITLE, ROW_ID = 20, 24, 200


class MetaWhatsApp(Channel):
    """Credentials: phone_number_id, access_token, app_secret, verify_token; waba_id for templates. Settings:
    timeout_s (10). Meta lists no messages: our id rides along and comes back in every status."""

    kind = "meta_whatsapp"
    scheme = Scheme.WHATSAPP
    largest = 3 * 1024 * 1024  # a batch
    searchable = False
    shows_reading = True
    templates = True

    def verify(self, hook: Hook) -> None:
        meta.check_signature(self.account, hook)

    def challenge(self, hook: Hook) -> Ack | None:
        return meta.challenge(self.account, hook)

    def parse(self, hook: Hook) -> list[Event]:
        return meta.events(self.account, hook)

    def ack(self) -> Ack:
        return meta.ACK

    def split(self, text: str) -> list[str]:
        return lengths.split(clean(text), TEXT)

    async def send(self, http: Http, message: Outbound) -> Sent:
        return Sent(await meta_graph.post_message(http, self.account, self._body(message)))

    async def find(self, http: Http, message: Outbound, since: datetime) -> list[Sent]:
        raise SendFailed(Disposition.RETRY, detail="Meta keeps no list of messages: its statuses tell")

    def fetch(self) -> Fetch:
        return meta.fetch(self.account)

    async def seen(self, http: Http, provider_id: str) -> None:
        """Blue ticks, and "typing…" for at most 25 seconds."""
        seen = {"messaging_product": "whatsapp", "status": "read", "message_id": provider_id}
        await meta_graph.post_seen(http, self.account, seen | {"typing_indicator": {"type": "text"}})

    async def submit(self, http: Http, template: Template) -> Submitted:
        return await meta_graph.submit(http, self.account, template)

    async def review(self, http: Http, template: Template, provider_id: str) -> Submitted:
        found = await meta_graph.review(http, self.account, template)
        return found or Submitted(provider_id, "draft", "not listed")

    def _body(self, message: Outbound) -> dict[str, Any]:
        number = message.to.value.startswith("+")
        body: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual"}
        body |= {"to": message.to.value[1:]} if number else {"recipient": message.to.value}
        mark = meta.mark(message.message_id, message.part)
        return body | {"biz_opaque_callback_data": mark} | _content(message)


def _content(message: Outbound) -> dict[str, Any]:
    words = clean(message.text)
    if message.template is not None:
        return _template(message)
    if len(message.media_urls) > 1:
        raise SendFailed(Disposition.GIVE_UP, detail="one attachment a message")
    if message.media_urls:
        return _media(message.media_urls[0], words)
    if message.buttons and len(words) <= BODY and len(message.buttons) <= MOST_ROWS:
        return {"type": "interactive", "interactive": _choices(message, words)}
    words += "".join(f"\n• {button.title}" for button in message.buttons)
    return {"type": "text", "text": {"preview_url": False, "body": words}}


def _media(url: str, caption: str) -> dict[str, Any]:
    guessed = mimetypes.guess_type(url.partition("?")[0])[0] or "image/jpeg"
    kind = guessed.partition("/")[0]
    kind = kind if kind in ("image", "video", "audio") else "document"
    said = {"caption": caption[:CAPTION]} if caption and kind != "audio" else {}
    return {"type": kind, kind: {"link": url} | said}


def _choices(message: Outbound, words: str) -> dict[str, Any]:
    """Up to three are buttons, up to ten rows of a list."""
    if len(message.buttons) <= MOST_BUTTONS:
        shown = [
            {"type": "reply", "reply": {"id": one.id, "title": lengths.shortened(one.title, BUTTON_TITLE)}}
            for one in message.buttons
        ]
        return {"type": "button", "body": {"text": words}, "action": {"buttons": shown}}
    rows = [
        {"id": one.id[:ROW_ID], "title": lengths.shortened(one.title, ROW_TITLE)} for one in message.buttons
    ]
    action = {"button": "≡", "sections": [{"rows": rows}]}
    return {"type": "list", "body": {"text": words}, "action": action}


def _template(message: Outbound) -> dict[str, Any]:
    call = message.template
    assert call is not None
    values = [{"type": "text", "text": clean(value)} for value in call.variables]
    components = [{"type": "body", "parameters": values}] if values else []
    named = {"name": call.name, "language": {"code": call.language}}
    return {"type": "template", "template": named | {"components": components}}
