"""`python -m simulators.gohighlevel --port 8006`: prints one line, "ready http://…", when it listens.

FRONTDESK_GHL_URL is then that address; FRONTDESK_GHL_WEBHOOK_KEYS, location and token are printed on the next line.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from simulators.gohighlevel.serving import serve


async def main() -> None:
    options = _options()
    stop = asyncio.Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(kind, stop.set)
    async with serve(options.port, options.host) as running:
        config = running.state.config
        sys.stdout.write(f"ready {running.url}\n")
        key = running.state.public_key
        sys.stdout.write(
            f"FRONTDESK_GHL_WEBHOOK_KEYS={key} location={config.location} token={config.token}\n"
        )
        sys.stdout.flush()
        await stop.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators.gohighlevel", description=__doc__)
    parser.add_argument("--port", type=int, default=8006)
    parser.add_argument("--host", default="127.0.0.1")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
