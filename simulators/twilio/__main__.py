"""`python -m simulators.twilio --port 8001`: prints one line, "ready http://…", when it listens."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from simulators.twilio.serving import serve
from simulators.twilio.state import Config


async def main() -> None:
    options = _options()
    config = Config(seed=options.seed, step_delay=options.step_delay, media_origin=options.media_origin)
    stop = asyncio.Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(kind, stop.set)
    async with serve(options.port, options.host, config) as running:
        sys.stdout.write(f"ready {running.url}\n")
        sys.stdout.flush()
        await stop.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators.twilio", description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--step-delay", type=float, default=0.05, help="seconds between two delivery states")
    parser.add_argument("--media-origin", help="where media is redirected to; default: here, as localhost")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
