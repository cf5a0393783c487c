"""What serve, worker and scheduler have in common: a runtime, until a signal says stop."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import uvloop

from frontdesk import logs
from frontdesk.cli.ending import fail, read_settings
from runtime.runtime import Runtime, open_runtime
from store import installation
from store.db import NOT_MIGRATED, UNAVAILABLE
from store.installation import Restored

logger = logging.getLogger(__name__)

HARD_STOP_S = 45
"""After this long, what still runs is cut off: its lease runs out and another process goes on."""


def run(
    process: str, work: Callable[[Runtime, asyncio.Event], Awaitable[None]], *, sends: bool = False
) -> None:
    """`work` until SIGTERM or SIGINT sets its event; then it has time to end well. A second signal, or the end
    of that time, ends it at once, like a kill: nothing is lost by that either, it only costs a lease."""
    settings = read_settings()
    logs.set_up(process)

    async def main() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, _stop, stop)
        if settings.supervised:
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _stop_at_end, stop)
        async with open_runtime(settings) as rt:
            if sends:
                await _only_from_the_original(rt)
            await work(rt, stop)

    uvloop.run(main())


def _stop(stop: asyncio.Event) -> None:
    if stop.is_set():
        logger.warning("told twice to stop: ending at once")
        os._exit(128 + signal.SIGTERM)
    stop.set()
    asyncio.get_running_loop().call_later(HARD_STOP_S, _cut_off)


def _cut_off() -> None:
    logger.error("not ended after %s s: cut off", HARD_STOP_S)
    os._exit(128 + signal.SIGKILL)


async def _only_from_the_original(rt: Runtime) -> None:
    """Not from a restored copy. A database that is away, or not migrated yet, is another matter: work waits for it."""
    try:
        async with rt.db.dispatch() as dispatch:
            await installation.check(dispatch)
    except Restored as error:
        fail(str(error), 1)
    except (*UNAVAILABLE, *NOT_MIGRATED):
        return


def _stop_at_end(stop: asyncio.Event) -> None:
    """Our supervisor is gone, however it went: nobody would stop us later."""
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stop.set()
