import asyncio
import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result

from frontdesk.stories import masks
from frontdesk.stories.past import Past
from runtime.settings import Settings
from store.db import new_id
from store.embedded import EmbeddedPostgres
from tests.frontdesk.cli_rig import Place
from tests.rig import HOURS, NOBODY, NOW, QUESTION, Desk

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = {
    "name": "visit",
    "fields": [
        {"name": "name", "type": "person_name", "extract": True},
        {"name": "email", "type": "email", "extract": True},
    ],
}


@pytest.fixture
def here(postgres: EmbeddedPostgres, settings: Settings) -> Place:
    return Place(postgres.url, postgres.owner_url, settings.data_dir)


async def call(place: Place, *arguments: str, **environ: str | None) -> Result:
    return await asyncio.to_thread(lambda: place.run(*arguments, **environ))


async def talk(desk: Desk) -> str:
    """A morning with everything that a script can hold; the conversation's id."""
    await desk.text("Hello, my name is Zebulon Quaxley. " + QUESTION)
    await desk.settle()
    desk.wait(hours=1)
    await desk.text(f"my email is zeb@quaxley.example, my other number {desk.handset[:-2]}77")
    await desk.text("how much is a cleaning?")
    await desk.settle()
    desk.wait(minutes=10)
    await desk.person_writes("Dear Zebulon Quaxley, call us please")
    await desk.settle()
    desk.wait(hours=9)
    await desk.text(QUESTION)
    await desk.settle()
    desk.wait(minutes=2)
    await desk.text("STOP")
    await desk.settle()
    return str((await desk.conversation()).id)


@pytest.mark.slow  # so do those below, in passing
async def test_the_same_dialogue_gives_the_same_answers(make_desk: Any, here: Place) -> None:
    desk = await make_desk(schemas=[SCHEMA], knowledge=["demos/clinic/prices.md"])
    key = await talk(desk)
    ledger = desk.ledger()
    ended = await call(here, "replay", key)
    assert ended.exit_code == 0, ended.output
    assert "0 answers differ" in ended.stdout
    assert desk.ledger() == ledger  # nothing was sent to anybody
    assert len(await desk.messages()) == len(ledger) + 5


async def test_a_changed_business_answers_otherwise(make_desk: Any, here: Place, tmp_path: Path) -> None:
    desk = await make_desk()
    await desk.text(QUESTION)
    await desk.settle()
    key = str((await desk.conversation()).id)
    ended = await call(here, "export", str(desk.workspace_id), "-o", str(tmp_path))
    assert ended.exit_code == 0, ended.output
    file = tmp_path / f"{await slug_of(desk)}.yaml"
    file.write_text(file.read_text().replace("08:00-17:00", "10:00-19:00"))
    assert (await call(here, "apply", str(file))).exit_code == 0
    ended = await call(here, "replay", key, "--json")
    told = json.loads(ended.stdout)
    assert (ended.exit_code, told["same"], told["departed"]) == (1, False, None)
    assert HOURS["mon-fri"][:1] in told["steps"][0]["then"]
    assert told["steps"][0]["then"] != told["steps"][0]["now"]
    shown = (await call(here, "replay", key)).stdout
    assert "  - " in shown
    assert "  + " in shown


async def test_a_conversation_becomes_a_test_without_its_people(
    make_desk: Any, here: Place, tmp_path: Path
) -> None:
    desk = await make_desk(schemas=[SCHEMA], knowledge=["demos/clinic/prices.md"])
    key = await talk(desk)
    file = tmp_path / "tests" / "cleaning.yaml"
    ended = await call(here, "replay", key, "--as-test", str(file))
    assert ended.exit_code == 0, ended.output
    text = file.read_text()
    for canary in ("Zebulon", "Quaxley", "zeb@", desk.handset, desk.handset[2:], desk.number):
        assert canary not in text, text
    assert "alex1@example.com" in text
    assert "Alex Example" in text
    assert "reply:" in text
    played = await call(here, "test", str(file))
    assert (played.exit_code, "1 passed, 0 failed" in played.stdout) == (0, True), played.output


@pytest.mark.slow
async def test_a_draft_and_its_approval(make_desk: Any, here: Place, tmp_path: Path) -> None:
    desk = await make_desk(policy={"default": "draft", "approve": ["all"]})
    await desk.text(QUESTION)
    await desk.settle()
    await approve(desk)
    await desk.settle()
    key = str((await desk.conversation()).id)
    ended = await call(here, "replay", key, "--json")
    told = json.loads(ended.stdout)
    assert (ended.exit_code, [one["step"].get("owner") for one in told["steps"]]) == (0, [None, "approve"]), (
        told
    )
    file = tmp_path / "draft.yaml"
    assert (await call(here, "replay", key, "--as-test", str(file))).exit_code == 0
    assert "action: draft" in file.read_text()


async def slug_of(desk: Desk) -> str:
    return str((await desk.rows("select slug from workspace"))[0].slug)


async def approve(desk: Desk) -> None:
    from store import drafts

    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        (draft,) = await drafts.page(tx, state="pending", conversation_id=None, before=None, limit=5)
        await drafts.approve(tx, draft.id, desk.person_id, "person:test", None, desk.rt.split)


@pytest.mark.parametrize("key", ["hello", NOBODY])
async def test_no_such_conversation(here: Place, key: str) -> None:
    ended = await call(here, "replay", key)
    assert ended.exit_code == 2
    assert "Traceback" not in ended.output


def test_masks() -> None:
    past = Past(
        new_id(), "sms", NOW, (), "Anna-Lena O'Hara", ("+15127771234",),
        {"who": "Bob Li", "where": {"street": "12 Elm St"}, "n": 7},
    )  # fmt: skip
    by = masks.mask(past, {"who": "person_name", "where": "address"})
    assert by("anna-lena o'hara here, +15127771234") == "Alex Example here, +15125550100"
    assert (
        by("call (512) 777-9999 or 512.777.9999, not 4321") == "call +15125550101 or +15125550101, not 4321"
    )
    assert by("I am Bob, at 12 Elm St, a@b.co") == "I am Alex, at 1 Main Street, alex2@example.com"
    assert by("it costs $1234567890 on 2026-11-21 at 10:30") == "it costs $1234567890 on 2026-11-21 at 10:30"


async def test_tail_tells_what_moved_in_ids_and_codes(desk: Desk, here: Place) -> None:
    await desk.text(QUESTION)
    await desk.settle()
    arguments = ("tail", "-w", str(desk.workspace_id), "--since", "10m", "--seconds", "0")
    ended = await call(here, *arguments, "--json")
    events = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [one["event"] for one in events] == ["turn", "delivery"]
    assert (events[0]["state"], events[0]["action"], events[1]["state"]) == ("saved", "send", "delivered")
    assert not any("words" in one for one in events)
    plain = await call(here, *arguments)
    assert (plain.exit_code, QUESTION in plain.stdout, desk.handset in plain.stdout) == (0, False, False)
    assert "turn saved send" in plain.stdout
    worded = await call(here, *arguments, "--words")
    assert f"› {QUESTION}" in worded.stdout


async def test_tail_survives_the_database(place: Place) -> None:
    file = ROOT / "demos/clinic.yaml"
    assert (await call(place, "apply", str(file), "--root", str(ROOT))).exit_code == 0
    running = asyncio.create_task(call(place, "tail", "--json", "--since", "1m", "--seconds", "6"))
    with psycopg.connect(place.owner_url, autocommit=True) as connection:
        ended = 0
        for _ in range(100):
            await asyncio.sleep(0.05)
            killed = connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                " and pid <> pg_backend_pid() and usename = 'frontdesk' and state = 'idle'"
            ).fetchall()
            if ended := ended + len(killed):
                break
        assert ended
        for state in ("running", "failed"):
            connection.execute(
                "with c as (insert into contact (workspace_id, id) select id, gen_random_uuid() from workspace returning *)"
                ", v as (insert into conversation (workspace_id, id, contact_id)"
                " select workspace_id, gen_random_uuid(), id from c returning *)"
                " insert into turn (workspace_id, id, conversation_id, epoch, first_seq, base_seq, state)"
                " select workspace_id, %s, id, 1, 1, 1, %s from v",
                [new_id(), state],
            )
    told = [json.loads(line)["state"] for line in (await running).stdout.splitlines()]
    assert sorted(told) == ["failed", "running"]


async def test_tail_with_bad_options(place: Place) -> None:
    assert (await call(place, "tail", "--since", "soon")).exit_code == 2
    assert (await call(place, "tail", "-w", "nobody")).exit_code == 2
    away = await call(place, "tail", DATABASE_URL="postgresql://nobody@127.0.0.1:1/x")
    assert away.exit_code == 4
