"""A real rasa-sdk process with the example of the how-to page, and stages that may reach servers on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

from frontdesk.stories.stage import Stage
from runtime.actions import HttpActions
from runtime.http import open_public_client
from runtime.identities import StoredIdentities
from skills.rasa import Rasa

EXAMPLE = Path(__file__).resolve().parents[1] / "docs" / "how-to"
PATIENCE_S = 60


@contextmanager
def action_server() -> Iterator[str]:
    """Its address, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "rasa_sdk",
        "--actions",
        "rasa_actions",
        "--port",
        str(port),
    ]
    environment = {**os.environ, "SANIC_HOST": "127.0.0.1", "TZ": "UTC"}  # noqa: TID251
    server = subprocess.Popen(
        command, cwd=EXAMPLE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )  # fmt: skip
    try:
        _await(server, f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}/webhook"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        assert server.stdout is not None
        server.stdout.close()


def _await(server: "subprocess.Popen[bytes]", url: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if server.poll() is not None:
            said = server.stdout.read().decode() if server.stdout else ""
            raise AssertionError(f"rasa-sdk ended: {said[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.1)
    raise AssertionError("rasa-sdk does not answer")


@asynccontextmanager
async def reaching(stage: Stage, *inside: str) -> AsyncIterator[Stage]:
    """The same stage, whose operator allows these hosts."""
    async with open_public_client(inside) as web:
        rasa = Rasa(HttpActions(stage.rt.db, web), StoredIdentities(stage.rt.db))
        yield replace(stage, rt=replace(stage.rt, web=web, skills={**stage.rt.skills, "rasa": rasa}))
