"""How a story's customer reaches the business: the provider's simulator behind one set of verbs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from domain.messages import Address, Scheme
from frontdesk.stories.stage import Stage
from store.channels import ChannelRow

Attachment = dict[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """What the customer does with their telephone."""

    words: str
    media: Sequence[Attachment] = ()
    kind: str = "text"
    choice: str = ""
    """Of a button or a row: its id."""
    times: int = 1


class Wire(Protocol):
    scheme: Scheme

    def credentials(self, address: str) -> dict[str, str]:
        """Of the business at this provider, under this address."""
        ...

    def connect(self, channel: ChannelRow, public_url: str) -> None: ...

    async def say(self, channel: ChannelRow, contact: str, said: Said) -> list[dict[str, Any]]:
        """What the webhook answered."""
        ...

    def sent(self, contact: str) -> list[str]:
        """The provider's ids of what it took from us for this customer, in order."""
        ...

    async def fail(self, provider_id: str) -> None:
        """The message did not arrive."""
        ...

    def running(self) -> list[Any]:
        """What the provider is still doing."""
        ...


class TwilioWire:
    """Text messages, and WhatsApp with `prefix`."""

    def __init__(self, stage: Stage, prefix: str = "") -> None:
        self._stage, self._prefix = stage, prefix
        self.scheme = Scheme.WHATSAPP if prefix else Scheme.TEL

    def credentials(self, address: str) -> dict[str, str]:
        account = self._stage.provider.state.config
        return {"account_sid": account.account_sid, "auth_token": account.auth_token}

    def connect(self, channel: ChannelRow, public_url: str) -> None:
        state = self._stage.provider.state
        url = f"{public_url}/channels/{channel.id}/messages"
        state.add_number(state.config.account_sid, self._prefix + channel.address, {"SmsUrl": url})

    async def say(self, channel: ChannelRow, contact: str, said: Said) -> list[dict[str, Any]]:
        body = {
            "to": self._prefix + channel.address, "body": said.words, "media": list(said.media),
            "times": said.times, "extra": self._extra(contact, said),
        }  # fmt: skip
        url = f"{self._stage.provider.url}/sim/handsets/{self._prefix}{contact}/messages"
        return list((await self._stage.rt.http.post(url, json=body)).json()["webhook"])

    def _extra(self, contact: str, said: Said) -> dict[str, str]:
        sent = self.sent(contact)
        match said.kind:
            case "button":
                return {"ButtonText": said.words, "ButtonPayload": said.choice, "MessageType": "button"}
            case "list":
                return {"ListTitle": said.words, "ListId": said.choice, "MessageType": "interactive"}
            case "location":
                return {"Latitude": "30.267", "Longitude": "-97.743", "MessageType": "location"}
            case "reaction":
                return {"MessageType": "reaction", "OriginalRepliedMessageSid": sent[-1] if sent else "SM0"}
        return {}

    def sent(self, contact: str) -> list[str]:
        all_ = self._stage.provider.state.messages.values()
        return [one.sid for one in all_ if one.origin == "api" and one.to == self._prefix + contact]

    async def fail(self, provider_id: str) -> None:
        body = {"status": "undelivered", "error_code": 63024 if self._prefix else 30005}
        await self._stage.rt.http.post(
            f"{self._stage.provider.url}/sim/messages/{provider_id}/status", json=body
        )

    def running(self) -> list[Any]:
        return list(self._stage.provider.state.tasks)


class MetaWire:
    scheme = Scheme.WHATSAPP

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def credentials(self, address: str) -> dict[str, str]:
        number = self._stage.meta.state.add_number(address)
        names = ("phone_number_id", "waba_id", "access_token", "app_secret", "verify_token")
        return {name: str(getattr(number, name)) for name in names}

    def connect(self, channel: ChannelRow, public_url: str) -> None:
        self._stage.meta.state.add_number(
            channel.address, webhook=f"{public_url}/channels/{channel.id}/webhook"
        )

    async def say(self, channel: ChannelRow, contact: str, said: Said) -> list[dict[str, Any]]:
        body = {"to": channel.address, "body": said.words, "media": list(said.media), "times": said.times}
        body |= {} if said.kind == "text" else {"message": self._message(contact, said)}
        url = f"{self._stage.meta.url}/sim/handsets/{contact}/messages"
        posts = (await self._stage.rt.http.post(url, json=body)).json()["webhook"]
        return [{"status": one["status"], "body": one["answer"]} for one in posts]

    def _message(self, contact: str, said: Said) -> dict[str, Any]:
        match said.kind:
            case "button" | "list":
                kind = f"{said.kind}_reply"
                chosen = {"id": said.choice, "title": said.words}
                return {"type": "interactive", "interactive": {"type": kind, kind: chosen}}
            case "location":
                return {"type": "location", "location": {"latitude": 30.267, "longitude": -97.743}}
        sent = self.sent(contact)
        reaction = {"message_id": sent[-1] if sent else "wamid.0", "emoji": said.words}
        return {"type": "reaction", "reaction": reaction}

    def sent(self, contact: str) -> list[str]:
        all_ = self._stage.meta.state.messages.values()
        return [one.id for one in all_ if one.outbound and one.peer == contact.lstrip("+")]

    async def fail(self, provider_id: str) -> None:
        body = {"status": "failed", "error_code": 131026}
        await self._stage.rt.http.post(f"{self._stage.meta.url}/sim/messages/{provider_id}/status", json=body)

    def running(self) -> list[Any]:
        return list(self._stage.meta.state.tasks)


KINDS = {"sms": ("twilio_sms",), "whatsapp": ("meta_whatsapp", "twilio_whatsapp")}
"""The channels of a workspace that a story of this channel may go over."""


def wire_of(stage: Stage, kind: str) -> Wire:
    if kind == "meta_whatsapp":
        return MetaWire(stage)
    return TwilioWire(stage, "whatsapp:" if kind == "twilio_whatsapp" else "")


def address_of(wire: Wire, contact: str) -> Address:
    return Address(wire.scheme, contact)
