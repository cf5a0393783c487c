"""What happens, as it happens: turns and deliveries, each told when it begins and whenever its state moves."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from runtime.runtime import Runtime
from store import watch, workspaces
from store.db import UNAVAILABLE, Tx

Json = dict[str, Any]
MOST = 2_000  # kept in mind: what is older is forgotten


@dataclass(slots=True)
class Tail:
    """`tell` gets every event; `only` is the workspace, or None for all of them."""

    rt: Runtime
    tell: Callable[[Json], None]
    away: Callable[[str], None]
    only: UUID | None = None
    words: bool = False
    poll_s: float = 0.5
    _known: dict[UUID, str] = field(default_factory=dict)
    _open: dict[UUID, set[UUID]] = field(default_factory=dict)
    _is_away: bool = False

    async def run(self, back: timedelta, until_s: float | None) -> None:
        """From `back` ago; for ever, or for so many seconds."""
        loop = asyncio.get_running_loop()
        ends, start = loop.time() + (until_s or 0), await self._now() - back
        while True:
            try:
                await self.look(start)
                self._is_away = False
            except BrokenPipeError:
                return  # whoever read us has gone: `frontdesk tail | head`
            except UNAVAILABLE as error:
                if not self._is_away:
                    self.away(type(error).__name__)
                self._is_away = True
            if until_s is not None and loop.time() >= ends:
                return
            await asyncio.sleep(self.poll_s)

    async def look(self, start: datetime) -> None:
        """Tell everything that is new since the last look."""
        async with self.rt.db.dispatch() as dispatch:
            there = await workspaces.listed(dispatch)
        for workspace_id, slug in there:
            if self.only in (None, workspace_id):
                async with self.rt.db.transaction(workspace_id) as tx:
                    await self._workspace(tx, slug, start)
        for open_ in self._open.values():
            for old in sorted(open_)[:-MOST]:
                open_.discard(old)
        while len(self._known) > MOST:
            self._known.pop(next(iter(self._known)))

    async def _workspace(self, tx: Tx, slug: str, start: datetime) -> None:
        since = max(start, tx.now - watch.SLACK)
        since = start if tx.workspace_id not in self._open else since
        open_ = self._open.setdefault(tx.workspace_id, set())
        found: list[Any] = [
            *await watch.turns(tx, since, [*open_]),
            *await watch.deliveries(tx, since, [*open_]),
        ]
        for one in sorted(found, key=_at):
            if one.over:
                open_.discard(one.id)
            else:
                open_.add(one.id)
            state = f"{one.state} {one.reason or ''}"
            if self._known.get(one.id) != state:
                self._known.pop(one.id, None)
                self._known[one.id] = state
                self.tell(await self._event(tx, slug, one))

    async def _event(self, tx: Tx, slug: str, one: Any) -> Json:
        turn = isinstance(one, watch.SeenTurn)
        event: Json = {"event": "turn" if turn else "delivery", "workspace": slug, "at": _at(one).isoformat()}
        names = _TURN if turn else _DELIVERY
        event |= {name: _plain(getattr(one, name)) for name in names}
        if turn and one.finished_at:
            event["ms"] = round((one.finished_at - one.started_at).total_seconds() * 1000)
        if self.words:
            event["words"] = await watch.asked(tx, one) if turn else [watch.words(tx, one)]
        return event

    async def _now(self) -> datetime:
        async with self.rt.db.dispatch() as dispatch:
            return dispatch.now


_TURN = ("id", "conversation_id", "state", "action", "reason", "intent", "confidence", "worker")
_DELIVERY = (
    "id",
    "conversation_id",
    "seq",
    "part",
    "kind",
    "author",
    "state",
    "reason",
    "error_code",
    "attempts",
)


def _at(one: Any) -> datetime:
    at: datetime = (one.finished_at or one.started_at) if isinstance(one, watch.SeenTurn) else one.updated_at
    return at


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else round(value, 3) if isinstance(value, float) else value
