"""`frontdesk tail`: turns and deliveries, live."""

import asyncio
import json as jsons
from datetime import datetime
from typing import Annotated, Any

import typer

from domain.workspace import read_duration
from frontdesk.cli import place
from frontdesk.cli.ending import fail
from frontdesk.cli.place import DataDir, Workspace
from frontdesk.tailing import Tail
from runtime.runtime import Runtime


def tail(
    workspace: Workspace = "",
    since: Annotated[str, typer.Option(help="Begin so long ago: 90s, 10m, 2h.")] = "0s",
    seconds: Annotated[float | None, typer.Option(min=0, help="Stop after so many. Default: Ctrl-C.")] = None,
    words: Annotated[
        bool, typer.Option("--words", help="Also what was written; else ids and codes only.")
    ] = False,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Watch turns and deliveries as they happen, one line each time one moves. A database that goes away is waited
    for.

    Example: `frontdesk tail -w clinic --since 10m`
    """
    try:
        back = read_duration(since)
    except ValueError as error:
        fail(f"--since {error}", 2)

    async def watch(rt: Runtime) -> None:
        only = await place.find_workspace(rt, workspace) if workspace else None
        await Tail(rt, _tell_json if as_json else _tell, _away, only, words).run(back, seconds)

    try:
        place.with_runtime(watch, data_dir)
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(0) from None


def _tell_json(event: dict[str, Any]) -> None:
    typer.echo(jsons.dumps(event))


def _tell(event: dict[str, Any]) -> None:
    at = datetime.fromisoformat(event["at"]).astimezone().strftime("%H:%M:%S")
    what = _turn(event) if event["event"] == "turn" else _delivery(event)
    typer.echo(f"{at} {event['workspace']} {event['conversation_id'][-12:]} {what}")
    for line in event.get("words", ()):
        typer.echo(f"           {'›' if event['event'] == 'turn' else '‹'} {line}")


def _turn(event: dict[str, Any]) -> str:
    understood = f"{event['intent']} {event['confidence']}" if event["intent"] else ""
    parts = ("turn", event["state"], event["action"], event["reason"], understood)
    took = f"{event['ms']} ms" if "ms" in event else f"by {event['worker']}"
    return " ".join(str(part) for part in (*parts, took) if part)


def _delivery(event: dict[str, Any]) -> str:
    parts = (
        "delivery",
        f"{event['seq']}.{event['part']}",
        event["kind"],
        event["author"],
        event["state"],
        event["reason"],
    )
    code = f"code {event['error_code']}" if event["error_code"] else ""
    tries = f"attempt {event['attempts']}" if event["attempts"] > 1 else ""
    return " ".join(str(part) for part in (*parts, code, tries) if part)


def _away(why: str) -> None:
    typer.echo(f"the database is away ({why}); waiting for it", err=True)
