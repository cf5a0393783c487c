"""`frontdesk listings import` as people call it."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import Result

from runtime.settings import Settings
from store.embedded import EmbeddedPostgres
from tests.frontdesk.cli_rig import Place
from tests.listings_rig import record
from tests.rig import Desk


@pytest.fixture
def here(postgres: EmbeddedPostgres, settings: Settings) -> Place:
    return Place(postgres.url, postgres.owner_url, settings.data_dir)


async def call(place: Place, desk: Desk, *arguments: str) -> Result:
    return await asyncio.to_thread(place.run, "listings", *arguments, "-w", str(desk.workspace_id))


async def test_every_row_is_accounted_for(here: Place, desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "homes.json"
    file.write_text(json.dumps([record(), record(ListingKey="K2", ListPrice="a lot")]))
    first = await call(here, desk, "import", str(file), "--json")
    assert first.exit_code == 1, first.output
    told = json.loads(first.stdout)
    assert (told["rows"], told["new"], [one["line"] for one in told["bad"]]) == (2, 1, [2])
    second = await call(here, desk, "import", str(file))
    assert (
        "2 rows: 0 new, 0 changed, 1 as they were, 0 older than what is known, 1 not taken" in second.output
    )
    assert f"{file}:2: ListPrice 'a lot' must be a number" in second.output


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"a,b\n", "lacks ListingKey"),
        ("a.json", b"[1, 2", "is no JSON"),
        ("a.csv", b"\xff\xfe", "not UTF-8"),
        ("a.json", None, "cannot be read"),
    ],
)
async def test_what_is_no_such_file_is_refused(
    here: Place, desk: Desk, tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = await call(here, desk, "import", str(tmp_path / name))
    assert (result.exit_code, says in result.output) == (2, True), result.output
