import asyncio
import json
from pathlib import Path

import pytest
from click.testing import Result

from runtime.settings import Settings
from store.embedded import EmbeddedPostgres
from tests.frontdesk.cli_rig import Place
from tests.rig import Desk, new_number

HEAD = "client,code_to,account,account_name,currency,symbol,name,kind,quantity\n"


@pytest.fixture
def here(postgres: EmbeddedPostgres, settings: Settings) -> Place:
    return Place(postgres.url, postgres.owner_url, settings.data_dir)


async def call(place: Place, desk: Desk, *arguments: str) -> Result:
    return await asyncio.to_thread(place.run, "portfolio", *arguments, "-w", str(desk.workspace_id))


async def test_files_come_in_and_every_row_is_accounted_for(here: Place, desk: Desk, tmp_path: Path) -> None:
    file, number = tmp_path / "held.csv", new_number()
    good = f"{number},,A1,Main,USD,CASH,,,5\n"
    file.write_text(f"{HEAD}{good}{good.replace('A1', 'A2').replace('CASH,,,5', 'VTI,,house,5')}")
    first = await call(here, desk, "import", str(file), "--json")
    assert first.exit_code == 1, first.output
    told = json.loads(first.stdout)
    assert (told["rows"], [one["line"] for one in told["bad"]]) == (1, [3])
    file.write_text(HEAD + good)
    assert (await call(here, desk, "import", str(file))).exit_code == 0
    prices = tmp_path / "prices.csv"
    prices.write_text("symbol,currency,day,close\nVTI,USD,2026-02-27,10\n")
    result = await call(here, desk, "prices", str(prices))
    assert (result.exit_code, "1 rows taken, 0 not" in result.output) == (0, True)
    (kept,) = await desk.rows("select count(*) as n from portfolio_account")
    assert kept.n == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"a,b\n", "lacks client"), (b"\xff\xfe", "not UTF-8"), (None, "cannot be read")],
)
async def test_what_is_no_such_file_is_refused(
    here: Place, desk: Desk, tmp_path: Path, content: bytes | None, says: str
) -> None:
    file = tmp_path / "held.csv"
    if content is not None:
        file.write_bytes(content)
    result = await call(here, desk, "import", str(file))
    assert result.exit_code == 2
    assert says in result.output
