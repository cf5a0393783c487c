"""What must be true after every run, read from the database and from the provider's ledger (wire.md, I1-I10)."""

import bisect
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import text

from bench.crew import Business, Crew
from bench.load import Text
from simulators.twilio.state import Message as Entry
from store import audit

_LEASE_SLACK_S = 5.0
_NEVER_ARRIVED = ("failed", "undelivered")
_RECEIPTS = "select provider_event_id from inbound_receipt where workspace_id = %s and kind = 'message'"
_STORED = (
    "select m.id, m.conversation_id, m.seq, m.body, c.answered_seq, c.owner, c.state, c.due_at from message m"
    " join conversation c on c.workspace_id = m.workspace_id and c.id = m.conversation_id"
    " where m.workspace_id = %s and m.direction = 'in'"
)
_PARTS = (
    "select d.id, d.message_id, d.part, d.seq, d.thread_id, d.channel_id, d.address_id, d.state, d.body, d.attempts,"
    " d.lease_until, d.provider_id, now() as now, m.author, m.purpose, m.turn_id, (select min(a.started_at)"
    " from delivery_attempt a where a.workspace_id = d.workspace_id and a.delivery_id = d.id) as first_attempt_at,"
    " (select max(a.started_at) from delivery_attempt a where a.workspace_id = d.workspace_id"
    " and a.delivery_id = d.id) as last_attempt_at from delivery d"
    " join message m on m.workspace_id = d.workspace_id and m.id = d.message_id where d.workspace_id = %s"
)
_GAPS = (
    "select c.id from conversation c left join message m on m.workspace_id = c.workspace_id"
    " and m.conversation_id = c.id where c.workspace_id = %s group by c.workspace_id, c.id"
    " having count(m.id) <> c.last_seq or coalesce(max(m.seq), 0) <> c.last_seq"
)
_BEFORE_ITS_QUESTION = (
    "select m.id from message m join turn t on t.workspace_id = m.workspace_id and t.id = m.turn_id"
    " where m.workspace_id = %s and m.direction = 'out' and m.seq <= t.base_seq"
)
_UNEXPLAINED = (
    "select m.id from message m left join turn t on t.workspace_id = m.workspace_id and t.id = m.turn_id"
    " left join draft d on d.workspace_id = m.workspace_id and d.id = m.draft_id where m.workspace_id = %s"
    " and m.author = 'ai' and (t.id is null or t.state <> 'saved' or t.explanation is null"
    " or t.conversation_id <> m.conversation_id or (m.draft_id is not null and d.state not in ('approved', 'edited')))"
)
_ANSWERED_TWICE = (
    "select i.id from message i where i.workspace_id = %s and i.direction = 'in' and (select count(distinct m.id)"
    " from turn t join message m on m.workspace_id = t.workspace_id and m.turn_id = t.id"
    " where t.workspace_id = i.workspace_id and t.conversation_id = i.conversation_id and t.state = 'saved'"
    " and t.first_seq <= i.seq and t.base_seq >= i.seq and m.author = 'ai' and exists (select from delivery d"
    " where d.workspace_id = m.workspace_id and d.message_id = m.id and d.state <> 'cancelled')) > 1"
)
# Opted out, or a person had it for a while and owes the answer.
_EXCUSED = (
    "select t.conversation_id as id from thread t join contact_address a on a.workspace_id = t.workspace_id"
    " and a.id = t.address_id where t.workspace_id = %s and (a.opted_out_at is not null or exists (select from timer p"
    " where p.workspace_id = t.workspace_id and p.conversation_id = t.conversation_id and p.kind = 'pause_ends'))"
)
_CONSENT = "select address_id, state, at from consent where workspace_id = %s order by n"
_TABLES = "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'workspace_id'"


@dataclass(slots=True)
class Findings:
    acknowledged: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    unknown: int = 0
    unacknowledged: int = 0
    unacknowledged_stored: int = 0
    unanswered: int = 0
    sent_parts: int = 0
    in_flight_after_stop: int = 0
    in_flight_max_ms: float = 0.0
    violations: list[str] = field(default_factory=list)

    def bad(self, invariant: str, business: Business, what: str, ids: Sequence[object]) -> int:
        if ids:
            named = ", ".join(str(one) for one in ids[:3])
            self.violations.append(f"{invariant} {business.name}: {len(ids)} {what}: {named}")
        return len(ids)


async def check(
    crew: Crew, owner_url: str, texts: Sequence[Text], *, final: bool, settled: bool = True
) -> Findings:
    """`final`: nothing is under way any more, and nothing excuses what is missing; but for `settled`: what the
    provider is still asked about may be unknown."""
    found = Findings()
    async with await psycopg.AsyncConnection.connect(
        owner_url, autocommit=True, row_factory=namedtuple_row
    ) as owner:
        for business in crew.businesses:
            look = _Look(crew, owner, business, found, final, final and settled)
            stored = await look.inbound([one for one in texts if one.business is business])
            await look.outbound()
            await look.conversations(stored)
            await look.audited()
        await _tenants(crew, owner, found)
    return found


@dataclass(slots=True)
class _Look:
    crew: Crew
    owner: psycopg.AsyncConnection[Any]
    business: Business
    found: Findings
    final: bool
    settled: bool

    async def rows(self, sql: str) -> list[Any]:
        return await (await self.owner.execute(sql.encode(), (self.business.id,))).fetchall()

    async def inbound(self, texts: Sequence[Text]) -> list[Any]:
        """I1: what was acknowledged is stored, once."""
        received = {row.provider_event_id for row in await self.rows(_RECEIPTS)}
        stored = await self.rows(_STORED)
        async with self.crew.rt.db.transaction(self.business.id) as tx:
            bodies = Counter(tx.vault.open("message.body", bytes(row.body)) for row in stored)
        sent = Counter(one.body for one in texts)
        acknowledged = [one for one in texts if one.acknowledged]
        self.found.acknowledged += len(acknowledged)
        missing = [one.sid for one in acknowledged if one.sid not in received]
        gone = [body for body, n in Counter(one.body for one in acknowledged).items() if bodies[body] < n]
        self.found.lost += self._bad("I1", "acknowledged and not received", missing)
        self.found.lost += self._bad("I1", "received without a message", gone)
        twice = [body for body, n in bodies.items() if n > sent[body]]
        self.found.duplicated += self._bad("I1", "stored more often than sent", twice)
        strange = received - {one.sid for one in texts}
        self._bad("I1", "receipts of messages that nobody sent", sorted(strange))
        others = [one.sid for one in texts if not one.acknowledged]
        self.found.unacknowledged += len(others)
        self.found.unacknowledged_stored += sum(sid in received for sid in others)
        if self.final:
            never = [sid for sid in others if sid not in received]
            self.found.lost += self._bad("I1", "not acknowledged and never fetched", never)
        return stored

    async def outbound(self) -> None:
        """I2, I3, I4, I9: every sent part is one entry of the ledger with its words, in order, none after STOP."""
        parts = {(row.message_id, row.part): row for row in await self.rows(_PARTS)}
        ledger = self._ledger()
        self._bad("I2", "entries of the ledger without a row", [one for one in ledger if one not in parts])
        await self._same_words(parts, ledger)
        for key, row in parts.items():
            entries = ledger.get(key, [])
            arrived = [one for one in entries if one.status not in _NEVER_ARRIVED]
            if len(arrived) > 1:
                self.found.duplicated += self._bad("I2", "parts sent more than once", [key])
            if row.state in ("accepted", "sent", "delivered", "read") and not arrived:
                self.found.lost += self._bad("I2", "parts said to have left, and not in the ledger", [key])
            if row.state in ("cancelled", "queued") and arrived:
                self._bad("I2", f"parts {row.state} and in the ledger", [key])
            self.found.sent_parts += len(arrived)
        left = [row for row in parts.values() if row.state in ("queued", "sending", "unknown")]
        self.found.unknown += sum(row.state == "unknown" for row in left)
        stuck = [
            r.id
            for r in left
            if r.state == "sending" and (r.now - r.lease_until).total_seconds() > _LEASE_SLACK_S
        ]
        self._bad("I9", "in `sending` longer than the lease", stuck)
        if self.settled:
            self._bad("I9", "deliveries unsettled at the end", [f"{r.id} {r.state}" for r in left])
        self._in_order(parts, ledger)
        await self._silent_after_stop(parts, ledger)

    def _ledger(self) -> dict[tuple[UUID, int], list[Entry]]:
        """What the provider took from us for this business, by the message and part that it was."""
        found = defaultdict(list)
        for one in self.crew.provider.state.messages.values():
            if one.origin == "api" and one.sender == self.business.number:
                ours = parse_qs(urlsplit(one.status_callback).query)
                found[UUID(ours["m"][0]), int(ours["p"][0])].append(one)
        return found

    async def _same_words(
        self, parts: dict[tuple[UUID, int], Any], ledger: dict[tuple[UUID, int], list[Entry]]
    ) -> None:
        async with self.crew.rt.db.transaction(self.business.id) as tx:
            hashes = {
                key: _hash(tx.vault.open("delivery.body", bytes(row.body))) for key, row in parts.items()
            }
        other = [
            key for key, entries in ledger.items() for one in entries if _hash(one.body) != hashes.get(key)
        ]
        self._bad("I2", "entries with other words than ours", other)
        foreign = [one.name for one in self.crew.businesses if one is not self.business]
        leaked = [
            key for key, es in ledger.items() for one in es if any(name in one.body for name in foreign)
        ]
        self._bad("I7", "answers that name another business", leaked)

    def _in_order(
        self, parts: dict[tuple[UUID, int], Any], ledger: dict[tuple[UUID, int], list[Entry]]
    ) -> None:
        """Each part counts where it was first taken: what the carrier later refused and we sent again is late."""
        threads = defaultdict(list)
        for key, entries in ledger.items():
            if key in parts:
                threads[parts[key].thread_id].append(
                    (min(one.seq for one in entries), parts[key].seq, key[1])
                )
        for thread, taken in threads.items():
            ours = [(seq, part) for _, seq, part in sorted(taken)]
            self.found.reordered += self._bad(
                "I4", "threads out of order", [] if ours == sorted(ours) else [thread]
            )

    async def _silent_after_stop(
        self, parts: dict[tuple[UUID, int], Any], ledger: dict[tuple[UUID, int], list[Entry]]
    ) -> None:
        """Taken by the provider after the opt-out was written: only what had been handed over before, and the
        one confirmation."""
        said: dict[UUID, list[tuple[datetime, str]]] = defaultdict(list)
        for row in await self.rows(_CONSENT):
            said[row.address_id].append((row.at, row.state))
        for key, entries in ledger.items():
            row = parts.get(key)
            if row is None or row.purpose == "confirmation":
                continue
            history = said[row.address_id]
            for one in entries:
                stopped = _stopped_at(history, one.created)
                if stopped is None:
                    continue
                attempt = max(
                    (a for a in (row.first_attempt_at, row.last_attempt_at) if a <= one.created), default=None
                )
                if attempt is None or attempt > stopped:
                    self._bad("I3", "sent after an opt-out", [key])
                self.found.in_flight_after_stop += 1
                late = (one.created - stopped).total_seconds() * 1000
                self.found.in_flight_max_ms = max(self.found.in_flight_max_ms, round(late, 1))

    async def conversations(self, stored: Sequence[Any]) -> None:
        for invariant, what, sql in (
            ("I4", "conversations with a gap in seq", _GAPS),
            ("I4", "answers before their question", _BEFORE_ITS_QUESTION),
            ("I8", "messages of the assistant without an explanation", _UNEXPLAINED),
        ):
            self._bad(invariant, what, [row.id for row in await self.rows(sql)])
        twice = [row.id for row in await self.rows(_ANSWERED_TWICE)]
        self.found.duplicated += self._bad("I1", "questions answered twice", twice)
        waiting = [
            row.id
            for row in stored
            if row.seq > row.answered_seq and row.owner == "ai" and row.state == "open"
        ]
        self.found.unanswered += len(waiting)
        if self.final:
            excused = {row.id for row in await self.rows(_EXCUSED)}
            asked = [
                row.id for row in stored if row.id in set(waiting) and row.conversation_id not in excused
            ]
            self._bad("I1", "messages that nobody will answer", asked)

    async def audited(self) -> None:
        async with self.crew.rt.db.transaction(self.business.id) as tx:
            broken = await audit.verify(tx)
        self._bad("I10", "broken links in the audit", [] if broken is None else [broken])

    def _bad(self, invariant: str, what: str, ids: Sequence[object]) -> int:
        return self.found.bad(invariant, self.business, what, ids)


def _stopped_at(history: Sequence[tuple[datetime, str]], at: datetime) -> datetime | None:
    """When the opt-out that stood at this moment was said, if one did."""
    before = bisect.bisect_left([when for when, _ in history], at)
    if before == 0 or history[before - 1][1] != "out":
        return None
    first = before - 1
    while first > 0 and history[first - 1][1] == "out":
        first -= 1
    return history[first][0]


async def _tenants(crew: Crew, owner: psycopg.AsyncConnection[Any], found: Findings) -> None:
    """I7: as the role of the application, one workspace sees no row of another's, in any table."""
    tables = [row.table_name for row in await (await owner.execute(_TABLES)).fetchall()]
    for business in crew.businesses:
        async with crew.rt.db.transaction(business.id) as tx:
            for table in tables:
                sql = f"select count(*) from {table} where workspace_id <> :w"  # noqa: S608  (from the catalogue)
                foreign = (await tx.execute(text(sql), {"w": business.id})).scalar_one()
                found.bad("I7", business, f"foreign rows in {table}", [foreign] if foreign else [])


def _hash(words: str) -> str:
    return sha256(words.encode()).hexdigest()
