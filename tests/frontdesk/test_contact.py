import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result

from runtime.settings import Settings
from store import idempotency
from store.crypto import Unreadable
from store.embedded import EmbeddedPostgres
from store.idempotency import Answered, Asked
from tests.frontdesk.cli_rig import Place
from tests.rig import NOBODY, Desk, new_number

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
CANARIES = ("Quaxley", "xylotomous", "zeb@quaxley.example")
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


async def call(place: Place, *arguments: str) -> Result:
    return await asyncio.to_thread(place.run, *arguments)


async def a_life(desk: Desk) -> None:
    """Whatever leaves traces: words, a picture, fields, a draft, a person's reply, a kept answer, an opt-out."""
    await desk.text("Hello, my name is Zebulon Quaxley, zeb@quaxley.example. What are your hours?")
    await desk.settle()
    data = {"content_type": "image/png", "data_base64": base64.b64encode(base64.b64decode(PIXEL)).decode()}
    await desk.text("Do you sell xylotomous things? I am Zebulon Quaxley", media=[data])
    await desk.settle()
    found = await desk.conversation()
    await desk.person_writes("No, Mr Quaxley, nothing xylotomous")
    await desk.settle()
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        asked = Asked("a-key", "POST messages", b"h")
        await idempotency.keep(tx, asked, Answered(200, json.dumps({"conversation": str(found.id)})))
    await desk.text("stop texting me, xylotomous Quaxley")
    await desk.settle()
    await desk.text("STOP")
    await desk.settle()


async def rows_with(place: Place, desk: Desk, canaries: tuple[str, ...]) -> list[str]:
    """table.column of every value, in any table, in the clear or sealed, that holds one of these."""
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        vault = tx.vault
    hits, opened = [], 0
    with psycopg.connect(place.owner_url) as connection:
        tables = connection.execute(
            "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        ).fetchall()
        for table, column in tables:
            if table == "alembic_version":
                continue
            of = "id" if table == "workspace" else "workspace_id"
            where = f" where {of} = '{desk.workspace_id}'" if (table, of) in tables else ""
            for (value,) in connection.execute(f'select "{column}" from "{table}"{where}'):  # noqa: S608
                shown = str(value)
                if isinstance(value, bytes):
                    shown = value.decode("utf-8", "replace")
                    for name in (f"{table}.{column}",):
                        try:
                            shown += vault.open_bytes(name, value).decode("utf-8", "replace")
                            opened += 1
                        except Unreadable:
                            continue
                if any(canary.casefold() in shown.casefold() for canary in canaries):
                    hits.append(f"{table}.{column}")
    assert opened, "nothing could be opened: this test would find nothing"
    return hits


def files_of(place: Place, desk: Desk) -> list[Path]:
    return [one for one in (place.data_dir / "files" / str(desk.workspace_id)).rglob("*") if one.is_file()]


async def test_after_erase_nothing_of_the_person_is_left(desk: Desk, here: Place) -> None:
    somebody_else = new_number()
    await desk.text("What are your hours?", handset=somebody_else)
    await a_life(desk)
    canaries = (*CANARIES, desk.handset)
    before = await rows_with(here, desk, canaries)
    assert {"message.body", "contact_address.value", "inbound_receipt.payload", "delivery.body"} <= set(
        before
    )
    assert len(files_of(here, desk)) == 1
    ended = await call(
        here, "contact", "erase", desk.handset, "-w", str(desk.workspace_id), "--yes", "--json"
    )
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.stdout)
    assert (told["files"], told["files_missing"], told["opt_outs_kept"]) == (1, 0, 1)
    assert told["rows"]["message"] >= 7
    assert await rows_with(here, desk, canaries) == []
    assert files_of(here, desk) == []
    left = await desk.rows("select distinct direction from message order by 1")
    assert [one.direction for one in left] == ["in", "out"]  # somebody else's
    audited = await desk.rows("select verb from audit order by n desc limit 1")
    assert audited[0].verb == "contact_erased"


async def test_an_opt_out_outlives_the_erasure(desk: Desk, here: Place) -> None:
    await a_life(desk)
    await call(here, "contact", "erase", desk.handset, "-w", str(desk.workspace_id), "--yes")
    sent = len(desk.ledger())
    await desk.text("What are your hours?")
    await desk.settle()
    assert await desk.consent() == "opted_out"
    assert len(desk.ledger()) == sent
    await desk.text("START")
    await desk.settle()
    assert await desk.consent() == "opted_in"
    ended = await call(
        here, "contact", "erase", desk.handset, "-w", str(desk.workspace_id), "--yes", "--json"
    )
    assert json.loads(ended.stdout)["opt_outs_kept"] == 0
    await desk.text("What are your hours?")
    assert await desk.consent() == "none"


async def test_export_says_all_and_is_for_its_reader_only(desk: Desk, here: Place, tmp_path: Path) -> None:
    await a_life(desk)
    file = tmp_path / "person.json"
    ended = await call(here, "contact", "export", desk.handset, "-w", str(desk.workspace_id), "-o", str(file))
    assert ended.exit_code == 0, ended.output
    assert file.stat().st_mode & 0o777 == 0o600
    told = json.loads(file.read_text())
    (conversation,) = told["conversations"]
    words = " ".join(one["text"] for one in conversation["messages"])
    assert all(canary in words for canary in CANARIES)
    assert told["contacts"][0]["addresses"] == [{"scheme": "tel", "value": desk.handset}]
    assert [one["state"] for one in told["consent"]][-1] == "out"
    assert conversation["turns"]
    by_id = await call(here, "contact", "export", told["contacts"][0]["id"], "-w", str(desk.workspace_id))
    assert json.loads(by_id.stdout)["conversations"] == told["conversations"]


@pytest.mark.parametrize("who", ["+15120000000", "nobody@example.com", NOBODY, "Bob"])
@pytest.mark.parametrize("what", [["export"], ["erase", "--yes"]])
async def test_nobody_of_that_name(desk: Desk, here: Place, who: str, what: list[str]) -> None:
    ended = await call(here, "contact", what[0], who, *what[1:], "-w", str(desk.workspace_id))
    assert (ended.exit_code, "there is no" in ended.stderr) == (2, True), ended.output


async def test_erase_wants_to_be_sure(desk: Desk, here: Place) -> None:
    await desk.text("What are your hours?")
    ended = await call(here, "contact", "erase", desk.handset, "-w", str(desk.workspace_id))
    assert (ended.exit_code, "--yes" in ended.stderr) == (2, True)
    assert len(await desk.said("contact")) == 1


async def test_a_missing_file_and_a_file_elsewhere(desk: Desk, here: Place, owner: Any) -> None:
    await a_life(desk)
    files_of(here, desk)[0].unlink()
    move = "update attachment set path = %s where workspace_id = %s"
    await owner.execute(move, ["../../etc/passwd", desk.workspace_id])
    ended = await call(here, "contact", "erase", desk.handset, "-w", str(desk.workspace_id), "--yes")
    assert (ended.exit_code, "nothing was erased" in ended.stderr) == (1, True)
    assert await desk.said("contact")
    await owner.execute(move, [f"files/{desk.workspace_id}/gone", desk.workspace_id])
    ended = await call(here, "contact", "erase", desk.handset, "-w", str(desk.workspace_id), "--yes")
    assert (ended.exit_code, "of which 1 were gone already" in ended.stdout) == (0, True)


async def test_another_workspace_is_not_touched(make_desk: Any, here: Place) -> None:
    one, two = await make_desk(), await make_desk()
    await one.text("What are your hours?")
    ended = await call(here, "contact", "erase", one.handset, "-w", str(two.workspace_id), "--yes")
    assert ended.exit_code == 2
    assert await one.said("contact")
