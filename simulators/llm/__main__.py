"""`python -m simulators.llm --port 8003`: prints one line, "ready http://…", when it listens.

OPENAI_BASE_URL is then that address with /v1, ANTHROPIC_BASE_URL the address itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from simulators.llm.serving import serve
from simulators.llm.state import Config


async def main() -> None:
    options = _options()
    stop = asyncio.Event()
    for kind in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(kind, stop.set)
    async with serve(options.port, options.host, Config(key=options.key)) as running:
        if options.script:
            running.state.load(json.loads(Path(options.script).read_text(encoding="utf-8"))["rules"])  # noqa: ASYNC240
        sys.stdout.write(f"ready {running.url}\n")
        sys.stdout.flush()
        await stop.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators.llm", description=__doc__)
    parser.add_argument("--port", type=int, default=8003)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--key", default="", help="the only API key that is accepted; without it any is")
    parser.add_argument("--script", help='a JSON file: {"rules": [...]}, as POST /sim/script takes it')
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
