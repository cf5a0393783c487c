"""A visitor of a business's web chat, as the terminal uses one: the same as a handset, but over the chat's own
HTTP. Prints nothing."""

from dataclasses import dataclass, field
from uuid import uuid4

from frontdesk.talk import Json, Talk


@dataclass(slots=True)
class WebTalk(Talk):
    """`me` is the visitor's name, "" for none."""

    token: str = field(default="", repr=False)
    seq: int = 0
    conversation_id: str = ""

    def introduction(self) -> str:
        return f"{self.me or 'A visitor'} is in the web chat of {self.business.name}."

    async def send(self, text: str) -> Json:
        await self._begin()
        frame = {"type": "message", "id": uuid4().hex, "text": text}
        ack = await self._chat("POST", "chat", json=frame)
        await self._begin()
        return {"sid": str(ack["seq"]), "delivered": True}

    async def news(self) -> list[Json]:
        if not self.token:
            return []
        frames = (await self._chat("GET", f"chat?after={self.seq}"))["frames"]
        if not frames:
            return []
        self.seq = frames[-1]["seq"]
        await self._chat("POST", "chat", json={"type": "read", "seq": self.seq})
        return [
            {
                "sid": str(one["seq"]),
                "body": one["text"],
                "status": "read",
                "error_code": None,
                "at": one["at"],
            }
            for one in frames
            if one["author"] != "visitor"
        ]

    async def desk(self) -> Json:
        return await self._desk(conversation=self.conversation_id)

    async def _begin(self) -> None:
        """A new token at every visit; it also tells which conversation is ours."""
        asked = {"token": self.token, "name": self.me}
        session = await self._chat("POST", "sessions", json=asked)
        self.token, self.conversation_id = session["token"], session["conversation"] or ""

    async def _chat(self, method: str, what: str, json: Json | None = None) -> Json:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        path = f"/channels/{self.business.chat_id}/{what}"
        return await self._ask(method, path, headers=headers, **({"json": json} if json else {}))
