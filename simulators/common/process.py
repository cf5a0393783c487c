"""A simulator as a process of its own: one line, "ready http://…", when it listens; SIGTERM or SIGINT ends it."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable

from simulators.common.serving import Config, Serve, State


def options(name: str, about: str | None, port: int) -> argparse.ArgumentParser:
    """Those that every simulator has."""
    parser = argparse.ArgumentParser(prog=f"python -m simulators.{name}", description=about)
    parser.add_argument("--port", type=int, default=port)
    parser.add_argument("--host", default="127.0.0.1")
    return parser


def run(
    serve: Serve[State, Config],
    chosen: argparse.Namespace,
    config: Config | None = None,
    begin: Callable[[State], str] | None = None,
) -> None:
    """Until it is told to stop. `begin` says what else must be known of it: the next line."""
    asyncio.run(_run(serve, chosen, config, begin))


async def _run(
    serve: Serve[State, Config],
    chosen: argparse.Namespace,
    config: Config | None,
    begin: Callable[[State], str] | None,
) -> None:
    stop = asyncio.Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(kind, stop.set)
    async with serve(chosen.port, chosen.host, config) as running:
        told = begin(running.state) if begin else ""
        sys.stdout.write(f"ready {running.url}\n" + (f"{told}\n" if told else ""))
        sys.stdout.flush()
        await stop.wait()
