"""Web chat: the one channel without a provider. The customer's own browser is connected to us (webchat_door.py), so
nobody calls a webhook, and a message has arrived when it stands in the conversation."""

from datetime import datetime

from channels.base import Ack, Channel, Fetch, Hook, Http, Sent
from channels.forms import clean
from domain.errors import BadSignature
from domain.messages import Event, Outbound, Scheme


class WebChat(Channel):
    """No credentials. Settings: origins (which pages may show the chat)."""

    kind = "webchat"
    scheme = Scheme.WEBCHAT
    hosted = True

    def verify(self, hook: Hook) -> None:
        raise BadSignature("a web chat has no provider, so nobody can sign for one")

    def parse(self, hook: Hook) -> list[Event]:
        return []

    def ack(self) -> Ack:
        return Ack()

    def split(self, text: str) -> list[str]:
        text = clean(text).strip()
        return [text] if text else []

    async def send(self, http: Http, message: Outbound) -> Sent:
        """The worker writes it to the conversation in the next transaction, and then wakes who is connected."""
        return Sent(_name(message))

    async def find(self, http: Http, message: Outbound, since: datetime) -> list[Sent]:
        """A worker died in between. Nothing left this house, so it can be taken as sent now, once."""
        return [Sent(_name(message))]

    def fetch(self) -> Fetch:
        return Fetch(())


def _name(message: Outbound) -> str:
    return f"{message.message_id}:{message.part}"
