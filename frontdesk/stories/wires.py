"""How a story's customer reaches the business: the provider's simulator behind one set of verbs."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import httpx2

from channels import webchat_token
from domain.messages import Address, Scheme
from frontdesk.stories.stage import Stage
from store.channels import ChannelRow
from store.db import new_id

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

    def words(self, contact: str) -> list[str]:
        """What this telephone got from us, in order."""
        all_ = self._stage.provider.state.messages.values()
        return [one.body for one in all_ if one.origin == "api" and one.to == self._prefix + contact]

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


class WebChatWire:
    """A visitor's browser, without the browser: sessions and frames over plain HTTP. They look whenever something
    may have happened, and what they see is acked."""

    scheme = Scheme.WEBCHAT

    def __init__(self, stage: Stage) -> None:
        self._stage, self._url, self._token, self._seq = stage, "", "", 0
        self._workspace_id, self._channel_id = UUID(int=0), UUID(int=0)
        self._shown: list[str] = []
        self._looked = False
        self.visitor = ""

    def credentials(self, address: str) -> dict[str, str]:
        return {}

    def connect(self, channel: ChannelRow, public_url: str) -> None:
        self._workspace_id, self._channel_id = channel.workspace_id, channel.id
        self._url = f"{public_url}/channels/{channel.id}"

    async def say(self, channel: ChannelRow, contact: str, said: Said) -> list[dict[str, Any]]:
        await self._begin()
        files = [await self._upload(one) for one in said.media]
        frame = {"type": "message", "id": new_id().hex, "text": said.words, "attachments": files}
        replies = [await self._post("chat", json=frame) for _ in range(said.times)]
        return [{"status": 200 if one.is_success else one.status_code, "body": one.text} for one in replies]

    async def frame(self, **frame: str) -> str | None:
        """Any frame of the visitor's; the code with which it is refused."""
        await self._begin()
        reply = await self._post("chat", json=frame)
        return None if reply.is_success else str(reply.json()["code"])

    def sent(self, contact: str) -> list[str]:
        return self._shown

    async def fail(self, provider_id: str) -> None:
        """Nothing can: what stands in the conversation is there."""

    def running(self) -> list[Any]:
        """One look after whatever happened."""
        self._looked = not self._looked
        return [self._look()] if self._looked else []

    async def _look(self) -> None:
        if not self._token:
            return
        await self._begin()
        reply = await self._stage.rt.http.get(f"{self._url}/chat?after={self._seq}", headers=self._headers())
        for frame in reply.json()["frames"]:
            self._seq = frame["seq"]
            self._shown += [str(frame["seq"])] if frame["author"] != "visitor" else []
        await self._post("chat", json={"type": "ack", "seq": self._seq})

    async def _begin(self) -> None:
        """A token lasts a day, and stories last longer."""
        session = await self._post("sessions", json={"token": self._token})
        self._token = session.json()["token"]
        async with self._stage.rt.db.transaction(self._workspace_id) as tx:
            self.visitor = webchat_token.read(tx.vault, self._token, self._channel_id, tx.now).id

    async def _upload(self, one: Attachment) -> str:
        data, kind = base64.b64decode(one["data_base64"]), one["content_type"]
        reply = await self._post("files", files={"file": ("a file", data, kind)})
        return str(reply.json().get("id", new_id()))

    async def _post(self, what: str, **more: Any) -> httpx2.Response:
        return await self._stage.rt.http.post(f"{self._url}/{what}", headers=self._headers(), **more)

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token}"} if self._token else {}


KINDS = {
    "sms": ("twilio_sms",),
    "whatsapp": ("meta_whatsapp", "twilio_whatsapp"),
    "webchat": ("webchat",),
}
"""The channels of a workspace that a story of this channel may go over."""


def wire_of(stage: Stage, kind: str) -> Wire:
    if kind == "meta_whatsapp":
        return MetaWire(stage)
    if kind == "webchat":
        return WebChatWire(stage)
    return TwilioWire(stage, "whatsapp:" if kind == "twilio_whatsapp" else "")


def address_of(wire: Wire, contact: str) -> Address:
    return Address(wire.scheme, wire.visitor if isinstance(wire, WebChatWire) else contact)
