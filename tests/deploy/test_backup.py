"""The drill: traffic, a backup, more traffic, the database destroyed, the backup put back. The provider's own ledger
says that nothing left twice."""

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from bench.crew import CEDAR, Business, Crew, open_crew, until
from bench.nursery import Nursery
from domain.messages import Address, Scheme
from frontdesk.serving import listen
from runtime.runtime import Runtime, open_runtime
from runtime.settings import Settings
from store import channels, contacts, conversations, drafts, events, queues
from store.events import BEGINNING, Event, Place
from tests.deploy.outside import ROOT, SECRET, Outside, frontdesk, outside, psql, script

OPEN = "what are your opening hours?"
ANSWERED, WAITING, PERSON, ASKED, NEVER_LEFT, STOPPED = (f"+1512555010{n}" for n in range(1, 7))
CAREFUL = CEDAR | {
    "channels": [CEDAR["channels"][0] | {"address": "+15125550198"}],
    "policy": {"default": "draft"},
}
QUIET = CEDAR | {"channels": [CEDAR["channels"][0] | {"address": "+15125550197"}]}


async def test_a_backup_put_back_sends_nothing_twice_and_loses_nothing(
    settings: Settings, tmp_path: Path, redis_url: str | None, nursery: Nursery
) -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    with outside(tmp_path / "first", port) as pg:
        psql(pg, "-f", ROOT / "deploy" / "postgres.sql")
        assert frontdesk(["migrate", "--grant-to", "frontdesk"], pg.url("frontdesk_owner")).returncode == 0
        found = replace(settings, database_url=pg.url("frontdesk"), secrets=(SECRET,))
        async with (
            open_runtime(found) as rt,
            open_crew(rt, tmp_path, redis_url, (CEDAR, CAREFUL, QUIET), nursery) as crew,
        ):
            await _before_the_backup(crew)
            with _owner(pg) as owner:  # it is an old backup: whatever waits in it has waited for long
                owner.execute("update delivery set created_at = created_at - interval '10 minutes'")
            script("backup.sh", pg, tmp_path / "backup")
            hashes = _hashes(pg)
            await _after_the_backup(crew)
            heard = (await _events(rt, crew.businesses[0], BEGINNING))[-1]
            for process in crew.processes.values():
                process.kill()
                await process.wait()
            sent = _ledger(crew)
            assert [one for one in sent.values() if one != 1] == []
            # --- the plug is pulled; another server, at the same address ---
            with _restored(pg, tmp_path, port) as again:
                assert _hashes(again) == hashes
                refused = frontdesk(["worker"], again.url("frontdesk"))
                assert (refused.returncode, "migrate --restored" in refused.stderr) == (1, True)
                command = ["migrate", "--restored", "--look-after", "1", "--grant-to", "frontdesk"]
                done = await asyncio.to_thread(
                    frontdesk, command, again.url("frontdesk_owner"), FRONTDESK_TWILIO_URL=crew.provider.url
                )
                assert done.returncode == 0, done.stderr
                assert "2 messages that came after the backup were fetched" in done.stdout
                assert "2 deliveries are looked up" in done.stdout
                assert "2 conversations of the backup wait for a person" in done.stdout
                async with open_runtime(found) as anew:
                    # who followed up to the disaster hears what putting the backup back has changed
                    since = await _events(anew, crew.businesses[0], heard.place)
                    assert {"delivery.unknown", "message.received"} <= {one.kind for one in since}
                    await _runs_again(replace_runtime(crew, anew), sent)
                await crew.end()


async def _before_the_backup(crew: Crew) -> None:
    """What a backup can catch: settled, acknowledged, queued, drafted, held back."""
    cedar, careful, quiet = crew.businesses
    await crew.start("web")
    await crew.start("web-2")
    worker = await crew.start("worker")
    await _text(crew, cedar, ANSWERED, OPEN)
    await _text(crew, cedar, PERSON, OPEN)
    await _text(crew, quiet, NEVER_LEFT, OPEN)
    await _text(crew, cedar, STOPPED, OPEN)
    await _text(crew, careful, ASKED, OPEN)
    await until(lambda: _sent(crew, ANSWERED, PERSON, NEVER_LEFT, STOPPED), "the first answers", crew)
    await until(lambda: _pending(crew, careful), "the draft", crew)
    await until(lambda: _unsettled(crew, 0), "everything delivered", crew)
    worker.send_signal(signal.SIGTERM)
    assert await worker.wait() == 0
    await _text(crew, cedar, WAITING, OPEN)  # acknowledged, not answered
    await _person(crew, cedar, "See you at nine, says Olive.")  # queued, sent after the backup
    async with crew.rt.db.transaction(quiet.id) as tx:
        await channels.suspend(tx, quiet.channel_id, "drill")
    await _person(crew, quiet, "This never left before the disaster.")


async def _events(rt: Runtime, business: Business, after: Place) -> list[Event]:
    async with rt.db.transaction(business.id) as tx:
        return await events.after(tx, after, 1_000)


async def _after_the_backup(crew: Crew) -> None:
    """Everything goes on, and more comes."""
    _, careful, _ = crew.businesses
    await crew.start("worker")
    await until(lambda: _sent(crew, WAITING), "the waiting answer", crew)
    async with crew.rt.db.transaction(careful.id) as tx:
        (draft,) = await drafts.page(tx, state="pending", conversation_id=None, before=None, limit=5)
        await drafts.approve(tx, draft.id, None, "system", None, crew.rt.split)
    await until(lambda: _sent(crew, ASKED), "the approved draft", crew)
    await _text(crew, crew.businesses[0], ANSWERED, "thanks a lot")
    await _text(crew, crew.businesses[0], STOPPED, "please stop texting me")
    await until(lambda: _sent(crew, ANSWERED, count=2), "the second answer", crew)
    await until(lambda: _sent(crew, STOPPED, count=2), "the confirmation", crew)
    await until(lambda: _unsettled(crew, 1), "everything but what is held back", crew)


async def _runs_again(crew: Crew, before: "Counter[tuple[str, str]]") -> None:
    cedar, careful, quiet = crew.businesses
    async with crew.rt.db.transaction(quiet.id) as tx:
        assert await channels.resume(tx, quiet.channel_id)
    for name in ("web", "web-2", "worker", "scheduler"):
        await crew.start(name)
    await until(lambda: _sent(crew, NEVER_LEFT, count=2), "what had never left", crew)
    await until(lambda: _unsettled(crew, 0), "everything looked up", crew)
    await asyncio.sleep(1)
    never_left = (NEVER_LEFT, "This never left before the disaster.")
    assert _ledger(crew) == before + Counter([never_left])
    assert await _owners(crew, cedar) == {"ai": 1, "human: replied": 1, "human: restored": 2}
    assert await _opted_out(crew, cedar) == [STOPPED]
    assert await _owners(crew, careful) == {"human: restored": 1}
    assert not await _pending(crew, careful)
    with psycopg.connect(crew.rt.settings.database_url) as db:
        db.execute("set role frontdesk_dispatch")
        assert db.execute("select restored_at is not null from installation").fetchone() == (True,)


def replace_runtime(crew: Crew, rt: Runtime) -> Crew:
    crew.rt = rt
    return crew


@contextmanager
def _restored(pg: Outside, tmp_path: Path, port: int) -> Iterator[Outside]:
    pg.stop()
    with outside(tmp_path / "second", port) as again:
        assert "migrate --restored" in script("restore.sh", again, tmp_path / "backup")
        yield again


def _owner(pg: Outside) -> "psycopg.Connection[Any]":
    return psycopg.connect(pg.url(), autocommit=True)


def _hashes(pg: Outside) -> dict[str, str]:
    """Every table's rows, as one hash."""
    with _owner(pg) as owner:
        names = [
            row[0] for row in owner.execute("select tablename from pg_tables where schemaname = 'public'")
        ]
        rows = {
            name: owner.execute(
                f"select md5(coalesce(string_agg(h, '' order by h), '')) from (select md5(t::text) h from {name} t) x"  # noqa: S608
            ).fetchone()
            for name in names
        }
    assert len(rows) > 20
    return {name: row[0] for name, row in rows.items() if row}


def _ledger(crew: Crew) -> "Counter[tuple[str, str]]":
    """What the provider took from us: (to, words) → how often."""
    taken = crew.provider.state.messages.values()
    return Counter((one.to, one.body) for one in taken if one.origin == "api")


async def _text(crew: Crew, business: Business, handset: str, words: str) -> None:
    url = f"{crew.provider.url}/sim/handsets/{handset}/messages"
    reply = (await crew.rt.http.post(url, json={"to": business.number, "body": words}, timeout=60)).json()
    assert [one["status"] for one in reply["webhook"]] == [200]


async def _person(crew: Crew, business: Business, words: str) -> None:
    """A person writes where somebody last wrote."""
    async with crew.rt.db.transaction(business.id) as tx:
        page = await conversations.page(tx, state=None, owner=None, before=None, limit=10)
        chosen = [one for one in page if await _handset(tx, one.id) in (PERSON, NEVER_LEFT)][0]  # noqa: RUF015
        await conversations.reply(
            tx, chosen.id, None, "system", words, crew.rt.split, timedelta(hours=8)
        )  # fmt: skip


async def _handset(tx: Any, conversation_id: UUID) -> str:
    found = await conversations.contact(tx, await conversations.get(tx, conversation_id))
    return str(found.addresses[0].value)


async def _sent(crew: Crew, *handsets: str, count: int = 1) -> bool:
    to = Counter(one for one, _ in _ledger(crew).elements())
    return all(to[one] >= count for one in handsets)


async def _pending(crew: Crew, business: Business) -> bool:
    async with crew.rt.db.transaction(business.id) as tx:
        return bool(await drafts.page(tx, state="pending", conversation_id=None, before=None, limit=5))


async def _unsettled(crew: Crew, count: int) -> bool:
    async with crew.rt.db.dispatch() as dispatch:
        state = await queues.look(dispatch)
    due = sum(one.due for one in state.queues if one.name == "turns")
    return sum(state.unsettled.values()) == count and due == 0


async def _opted_out(crew: Crew, business: Business) -> list[str]:
    async with crew.rt.db.transaction(business.id) as tx:
        page = await conversations.page(tx, state=None, owner=None, before=None, limit=10)
        numbers = [await _handset(tx, one.id) for one in page]
        found = [await contacts.hold(tx, Address(Scheme.TEL, number)) for number in numbers]
    return [number for number, held in zip(numbers, found, strict=True) if held.opted_out_at]


async def _owners(crew: Crew, business: Business) -> dict[str, int]:
    async with crew.rt.db.transaction(business.id) as tx:
        page = await conversations.page(tx, state=None, owner=None, before=None, limit=10)
    return dict(Counter(f"human: {one.owner_reason}" if one.owner == "human" else "ai" for one in page))
