"""`frontdesk bench`: speed, as ratios against floors that are measured in the same minute."""

import asyncio
import json
from typing import Annotated, Any

import typer

app = typer.Typer(
    no_args_is_help=True, help="Speed against floors measured in the same run, on an own database."
)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@app.command()
def ingest(
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Interleaved rounds; medians count.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.2, max=30, help="How long a round is.")] = 2.0,
    as_json: AsJson = False,
) -> None:
    """Webhooks a second, stored and acknowledged, beside "check the signature and insert one row".

    Example: `frontdesk bench ingest --json`
    """
    from bench import ingest as bench

    found = asyncio.run(bench.run(rounds, seconds))
    _tell(found, bench.told(found), as_json)


@app.command()
def turn(
    messages: Annotated[int, typer.Option(min=0, max=10_000_000, help="Stored before: the past.")] = 10_000,
    rate: Annotated[float, typer.Option(min=0.5, max=500, help="Texts a second.")] = 20,
    seconds: Annotated[float, typer.Option(min=1, max=120, help="For how long.")] = 8,
    workers: Annotated[int, typer.Option(min=1, max=8, help="Worker processes.")] = 1,
    as_json: AsJson = False,
) -> None:
    """From a signed webhook to the answer at the provider: where the time goes, turns a second, CPU a message.

    Example: `frontdesk bench turn --messages 1000000 --json`
    """
    from bench import turn as bench

    found = asyncio.run(bench.run(messages, rate, seconds, workers))
    _tell(found, bench.told(found), as_json)


@app.command()
def fanout(
    sockets: Annotated[int, typer.Option(min=10, max=8000, help="Visitors who are connected.")] = 2000,
    rate: Annotated[float, typer.Option(min=0.5, max=200, help="Answers a second.")] = 20,
    seconds: Annotated[float, typer.Option(min=1, max=30, help="For how long, twice.")] = 8,
    as_json: AsJson = False,
) -> None:
    """Web chat: memory a socket, and from a stored answer to the visitor's browser, beside a bare WebSocket server.

    Example: `frontdesk bench fanout --sockets 500 --json`
    """
    from bench import fanout as bench

    found = asyncio.run(bench.run(sockets, rate, seconds))
    _tell(found, bench.told(found), as_json)


@app.command()
def retrieval(
    chunks: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Passages, in one workspace and again in all.")
    ] = 100_000,
    workspaces: Annotated[
        int, typer.Option(min=1, max=5_000, help="Small ones beside the large one.")
    ] = 1_000,
    as_json: AsJson = False,
) -> None:
    """One search by words and meaning among very many passages, beside the same search over every vector.

    Example: `frontdesk bench retrieval --chunks 20000 --workspaces 100 --json`
    """
    from bench import retrieval as bench

    found = asyncio.run(bench.run(chunks, workspaces))
    _tell(found, bench.told(found), as_json)


@app.command()
def search(
    listings: Annotated[int, typer.Option(min=10, max=200_000, help="Homes, made up.")] = 10_000,
    questions: Annotated[int, typer.Option(min=10, max=10_000, help="Searches of each kind.")] = 300,
    as_json: AsJson = False,
) -> None:
    """Homes found by filters, and by filters and wishes, beside the same filter as a bare SQL query.

    Example: `frontdesk bench search --listings 10000 --json`
    """
    from bench import search as bench

    found = asyncio.run(bench.run(listings, questions))
    _tell(found, bench.told(found), as_json)


@app.command()
def portfolio(
    clients: Annotated[
        int, typer.Option(min=10, max=200_000, help="Clients, with twelve positions each.")
    ] = 10_000,
    questions: Annotated[int, typer.Option(min=10, max=10_000, help="Clients who ask.")] = 300,
    as_json: AsJson = False,
) -> None:
    """What a client holds, read, priced and added up, beside its rows as one bare SQL query.

    Example: `frontdesk bench portfolio --clients 10000 --json`
    """
    from bench import portfolio as bench

    found = asyncio.run(bench.run(clients, questions))
    _tell(found, bench.told(found), as_json)


@app.command()
def rules(
    count: Annotated[int, typer.Option(min=1, max=100_000, help="Rules of one business.")] = 1_000,
    as_json: AsJson = False,
) -> None:
    """One message event, all rules looked at, beside parsing the same rules from their JSON. CPU, no database.

    Example: `frontdesk bench rules --count 1000 --json`
    """
    from bench import rules as bench

    found = bench.run(count)
    _tell(found, bench.told(found), as_json)


def _tell(found: dict[str, Any], words: str, as_json: bool) -> None:
    typer.echo(json.dumps(found) if as_json else words)
