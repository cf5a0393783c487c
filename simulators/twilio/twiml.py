"""Reading the TwiML that a webhook answers with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from simulators.twilio.callbacks import Delivery
from simulators.twilio.state import Json

LIMIT = 64 * 1024


class BadTwiml(Exception):
    """With Twilio's code: 11750 too large, 12100 not XML, 12200 no <Response>, 12300 wrong content type."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(str(code))


@dataclass(frozen=True)
class Reply:
    body: str
    media_urls: tuple[str, ...]
    to: str | None


def replies(delivery: Delivery) -> list[Reply]:
    """The <Message>s of an answer to an inbound text; a text/plain answer is one message."""
    if not delivery.body.strip() or delivery.status is None or delivery.status >= 300:
        return []
    if delivery.content_type.startswith("text/plain"):
        return [Reply(delivery.body, (), None)]
    if "xml" not in delivery.content_type and "html" not in delivery.content_type:
        raise BadTwiml(12300)
    return [_reply(element) for element in parse(delivery.body) if element.tag in ("Message", "Sms")]


def _reply(element: ElementTree.Element) -> Reply:
    parts = [part.text or "" for part in element.iter("Body")]
    body = "".join(parts) if parts else (element.text or "")
    media = tuple((part.text or "").strip() for part in element.iter("Media"))
    return Reply(body.strip(), media, element.get("to"))


def verbs(text: str) -> list[Json]:
    """Every verb with its attributes, text and nested verbs: `{verb, attributes, text, children}`."""
    return list(_walk(parse(text)))


def _walk(parent: ElementTree.Element) -> Iterator[Json]:
    for element in parent:
        yield {
            "verb": element.tag,
            "attributes": dict(element.attrib),
            "text": (element.text or "").strip(),
            "children": list(_walk(element)),
        }


def parse(text: str) -> ElementTree.Element:
    if len(text.encode()) > LIMIT:
        raise BadTwiml(11750)
    if "<!DOCTYPE" in text:  # entities are the one danger of this parser, and TwiML has none
        raise BadTwiml(12100)
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - without a doctype there is nothing to expand
    except ElementTree.ParseError:
        raise BadTwiml(12100) from None
    if root.tag != "Response":
        raise BadTwiml(12200)
    return root
