"""`frontdesk portfolio`: what clients hold and what it is worth, from files."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from frontdesk.cli import place
from frontdesk.cli.ending import fail
from frontdesk.cli.place import AsJson, DataDir, Workspace
from integrations.alpaca import Alpaca, BrokerFailed
from runtime import broker, portfolios
from runtime.broker import Synced
from runtime.portfolios import Taken
from runtime.runtime import Runtime
from store.db import Tx

app = typer.Typer(
    no_args_is_help=True, help="What clients hold: import holdings and prices.", rich_markup_mode="markdown"
)
File = Annotated[Path, typer.Argument(help="A CSV in UTF-8.", metavar="FILE")]
LARGEST = 50_000_000  # bytes


@app.command("import")
def import_(file: File, workspace: Workspace = "", data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Accounts and what is in them; each account of the file then stands as it stands there. An account with a bad row
    is left as it was, and every row that was not taken is told. To the number in `code_to` go one-time codes: with
    this file you vouch that it is the client's.

    Example: `frontdesk portfolio import demos/advisor/holdings.csv -w advisor`
    """

    async def take(tx: Tx, text: str) -> Taken:
        return await portfolios.take_holdings(tx, text, "cli")

    _tell(file, _taken(file, take, workspace, data_dir), as_json)


@app.command()
def prices(file: File, workspace: Workspace = "", data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Closes: symbol, currency, day, close. The newest day is the price, the one before it makes the day's change.

    Example: `frontdesk portfolio prices demos/advisor/prices.csv -w advisor`
    """
    _tell(file, _taken(file, portfolios.take_prices, workspace, data_dir), as_json)


@app.command()
def sync(workspace: Workspace = "", data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Accounts, positions and prices of the firm's broker (Alpaca; ALPACA_API_KEY and ALPACA_API_SECRET). A client is
    found by the telephone number that the broker knows. What cannot be read stays as it was, and is told.

    Example: `frontdesk portfolio sync -w advisor`
    """

    async def work(rt: Runtime) -> Synced:
        if rt.settings.alpaca is None:
            fail("ALPACA_API_KEY and ALPACA_API_SECRET are not set: they are the firm's at its broker", 2)
        workspace_id = await place.find_workspace(rt, workspace)
        key, secret = rt.settings.alpaca
        return await broker.sync(rt.db, workspace_id, Alpaca(rt.http, rt.settings.alpaca_url, key, secret))

    try:
        synced = place.with_runtime(work, data_dir)
    except BrokerFailed as error:
        fail(str(error), 4 if error.code == "unreachable" else 1)
    if as_json:
        left = [{"account": account, "why": why} for account, why in synced.left]
        typer.echo(json.dumps({"accounts": synced.accounts, "left": left}))
    else:
        typer.echo(f"{synced.accounts} accounts up to date, {len(synced.left)} not")
        for account, why in synced.left:
            typer.echo(f"...{account}: {why}", err=True)
    if synced.left:
        raise typer.Exit(1)


def _taken(
    file: Path, take: Callable[[Tx, str], Awaitable[Taken]], workspace: str, data_dir: Path | None
) -> Taken:
    text = read_text(file, LARGEST)

    async def work(rt: Runtime) -> Taken:
        workspace_id: UUID = await place.find_workspace(rt, workspace)
        async with rt.db.transaction(workspace_id) as tx:
            return await take(tx, text)

    try:
        return place.with_runtime(work, data_dir)
    except ValueError as error:
        fail(f"{file} {error}", 2)


def read_text(file: Path, largest: int) -> str:
    """Or end the process with 2, and why."""
    try:
        if file.stat().st_size > largest:
            fail(f"{file} is larger than {largest:,} bytes; cut it in several files", 2)
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}", 2)
    except UnicodeDecodeError as error:
        fail(f"{file} is not UTF-8 (byte {error.start}); save it as UTF-8", 2)


def _tell(file: Path, taken: Taken, as_json: bool) -> None:
    """Ends with 1 when a row was not taken."""
    if as_json:
        bad = [{"line": one.line, "why": one.why} for one in taken.bad]
        typer.echo(json.dumps({"rows": taken.rows, "bad": bad}))
    else:
        typer.echo(f"{taken.rows} rows taken, {len(taken.bad)} not")
        for one in taken.bad:
            typer.echo(f"{file}:{one.line}: {one.why}", err=True)
    if taken.bad:
        raise typer.Exit(1)
