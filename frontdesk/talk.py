"""A customer's handset and the owner's desk over HTTP, as the terminal phone uses them. Prints nothing."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2

from runtime.demo import Business
from runtime.http import Client

Json = dict[str, Any]
ReadDesk = Callable[[Mapping[str, str]], Awaitable[Json]]

SEND_S = 25.0
_MOVING = frozenset({"queued", "sending", "unknown", "accepted"})
_BRIEFLY = (None, "rate")
"""Why a message is queued for no more than a moment; other reasons may last until morning."""
_AREAS = ("212", "312", "415", "512", "617", "702")


class TalkFailed(Exception):
    """The server said no, in words for people; `away` when it did not answer at all."""

    def __init__(self, title: str, *, away: bool = False) -> None:
        super().__init__(title)
        self.away = away


@dataclass(slots=True)
class Talk:
    """One customer's number and one business, with the key of its owner."""

    http: Client
    url: str
    business: Business
    me: str
    seen: set[str] = field(default_factory=set)
    """Sids of messages that were read, and ids of drafts that were shown."""
    read_desk: ReadDesk | None = None
    """Where the owner's desk is read; without it, at the door that shows the demos'."""

    def introduction(self) -> str:
        return f"{self.me} texts {self.business.name}, {self.business.number}."

    async def send(self, text: str) -> Json:
        """{sid, delivered}"""
        body = {"from": self.me, "to": self.business.number, "text": text}
        return await self._ask("POST", "/phone/messages", json=body)

    async def news(self) -> list[Json]:
        """What has come since last time."""
        query = {"number": self.me, "with": self.business.number}
        screen = await self._ask("GET", "/phone/messages", params=query)
        return [one for one in screen["messages"] if one["direction"] == "in" and self._is_new(one["sid"])]

    async def desk(self) -> Json:
        return await self._desk(number=self.me)

    async def conversation(self) -> Json:
        """Raise TalkFailed while there is none."""
        found: Json | None = (await self.desk())["conversation"]
        if found is None:
            raise TalkFailed("there is no conversation yet: text something first")
        return found

    def new_drafts(self, desk: Json) -> list[Json]:
        """Of this conversation, those not shown yet."""
        here = desk["conversation"]["id"] if desk["conversation"] else None
        return [one for one in desk["drafts"] if one["conversation_id"] == here and self._is_new(one["id"])]

    async def act(self, path: str, body: Json | None = None, version: int | None = None) -> Json:
        """Through the admin API, in the owner's name. A draft is decided only as it was read."""
        headers = {"X-API-Key": self.business.api_key, "Idempotency-Key": str(uuid4())}
        headers |= {"If-Match": f'"{version}"'} if version is not None else {}
        return await self._ask(
            "POST", f"/api/v1/workspaces/{self.business.id}/{path}", json=body or {}, headers=headers
        )

    async def _desk(self, **which: str) -> Json:
        """With the conversation open that has this `number`, or this id."""
        if self.read_desk is not None:
            return await self.read_desk(which)
        return await self._ask("GET", "/phone/desk", params={"ws": self.business.slug, **which})

    async def _ask(self, method: str, path: str, **more: Any) -> Json:
        try:
            answer = await self.http.request(method, self.url + path, timeout=SEND_S, **more)
            said: Json = answer.json() if answer.content else {}
        except httpx2.HTTPError:
            raise TalkFailed(f"nothing answers at {self.url}", away=True) from None
        except ValueError:
            raise TalkFailed(f"{self.url} gave no sensible answer ({answer.status_code})") from None
        if not answer.is_success:
            raise TalkFailed(_reason(said, answer.status_code))
        return said

    def _is_new(self, name: str) -> bool:
        new = name not in self.seen
        self.seen.add(name)
        return new


def is_quiet(desk: Json) -> bool:
    """Nothing has come that is not read, no turn is due, and nothing is on its way."""
    here = desk["conversation"]
    if desk["unread"] or here is None:
        return not desk["unread"]
    going = [one["delivery"] for one in here["messages"] if one["delivery"]]
    return not here["thinking"] and not any(
        one["state"] in _MOVING and one["reason"] in _BRIEFLY for one in going
    )


def new_number() -> str:
    """From the range that is set aside for stories."""
    return f"+1{secrets.choice(_AREAS)}55501{secrets.randbelow(100):02}"


def _reason(said: Json, status: int) -> str:
    fields = "; ".join(
        f"{one.get('pointer', '')} {one.get('detail', '')}" for one in said.get("errors") or []
    )
    words = str(said.get("detail") or said.get("title") or f"the server said {status}")
    return f"{words} ({fields})" if fields else words
