"""`python -m simulators.google_calendar --port 8004`: prints one line, "ready http://…", when it listens.

FRONTDESK_GOOGLE_URL is then that address; GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET are printed on the next line.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from simulators.google_calendar.serving import serve


async def main() -> None:
    options = _options()
    stop = asyncio.Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(kind, stop.set)
    async with serve(options.port, options.host) as running:
        config = running.state.config
        sys.stdout.write(f"ready {running.url}\n")
        sys.stdout.write(f"GOOGLE_CLIENT_ID={config.client_id} GOOGLE_CLIENT_SECRET={config.client_secret}\n")
        sys.stdout.flush()
        await stop.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators.google_calendar", description=__doc__)
    parser.add_argument("--port", type=int, default=8004)
    parser.add_argument("--host", default="127.0.0.1")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
