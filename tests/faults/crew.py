"""Real processes of ours, to be killed: started, ended at a named step or by SIGKILL, and started again."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from frontdesk.serving import listen
from runtime import files
from runtime.runtime import Runtime
from simulators import twilio
from simulators.twilio.serving import Running
from store import channels, conversations, turns
from store.conversations import Message
from store.turns import Told

KILLED = (137, -9)
NUMBER, CUSTOMER = "+15125550199", "+15125550100"


@dataclass(slots=True)
class Crew:
    rt: Runtime
    provider: Running
    environ: dict[str, str]
    log: Path
    port: int
    workspace_id: UUID
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def start(self, name: str, crash_at: str = "") -> asyncio.subprocess.Process:
        """web or worker; with `crash_at` it ends there, as if killed."""
        command = ["serve", "--port", str(self.port)] if name == "web" else ["worker", "--name", name]
        with self.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "frontdesk", *command, env=self.environ | {"FRONTDESK_CRASH_AT": crash_at},
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.processes[name] = process
        if name == "web":
            await self._until_ready()
        return process

    async def text(self, words: str, sid: str | None = None) -> list[int]:
        """The customer texts; what the webhook answered each time the provider asked (0: no answer)."""
        body = {"to": NUMBER, "body": words, **({"message_sid": sid} if sid else {})}
        url = f"{self.provider.url}/sim/handsets/{CUSTOMER}/messages"
        reply = (await self.rt.http.post(url, json=body, timeout=60)).json()
        return [one["status"] or 0 for one in reply["webhook"]]

    def sent(self) -> list[str]:
        """What the provider took from us for the customer, in order."""
        taken = [one for one in self.provider.state.messages.values() if one.origin == "api"]
        return [one.body for one in sorted(taken, key=lambda one: one.seq)]

    async def told(self) -> tuple[list[Message], list[Told]]:
        async with self.rt.db.transaction(self.workspace_id) as tx:
            page = await conversations.page(tx, state=None, owner=None, before=None, limit=2)
            if not page:
                return [], []
            said = await conversations.messages(tx, page[0].id, None, 100)
            return said, await turns.told(tx, page[0].id, None, 100)

    async def settled(self) -> bool:
        """Nothing waits, and everything that left has arrived."""
        messages, _ = await self.told()
        states = [one["state"] for message in messages for one in message.deliveries]
        async with self.rt.db.dispatch() as dispatch:
            due = await turns.next_due(dispatch, self.workspace_id)
        final = ("delivered", "cancelled", "failed")
        return due is None and bool(states) and all(state in final for state in states)

    async def _until_ready(self) -> None:
        while True:
            with contextlib.suppress(Exception):
                if (await self.rt.http.get(f"http://127.0.0.1:{self.port}/readyz")).status_code == 200:
                    return
            assert self.processes["web"].returncode is None, self.log.read_text()[-2000:]
            await asyncio.sleep(0.05)

    async def end(self) -> None:
        for process in self.processes.values():
            if process.returncode is None:
                process.kill()
            await process.wait()


async def until(condition, what: str, crew: Crew, patience_s: float = 60) -> None:  # type: ignore[no-untyped-def]
    """Wait for it; give up with the processes' own words."""
    try:
        async with asyncio.timeout(patience_s):
            while not await condition():  # noqa: ASYNC110  (the world outside has no event for it)
                await asyncio.sleep(0.05)
    except TimeoutError:
        messages, told = await crew.told()
        seen = json.dumps([(m.seq, m.author, m.deliveries) for m in messages], default=str)
        raise AssertionError(
            f"{what}: {seen} {[(t.state, t.reason) for t in told]}\n{crew.log.read_text()[-3000:]}"
        ) from None


@contextlib.asynccontextmanager
async def open_crew(rt: Runtime, directory: Path, redis_url: str | None) -> AsyncIterator[Crew]:
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    listener.close()
    async with twilio.serve(port=0, config=twilio.Config(step_delay=0.005)) as provider:
        account = provider.state.config
        workspace = {
            "workspace": {"slug": f"crew-{port}", "name": "Cedar Dental", "timezone": "America/Chicago"},
            "hours": {"mon-fri": "08:00-17:00"},
            "channels": [{"kind": "twilio_sms", "address": NUMBER, "debounce": "0.2s", "per_second": 1000}],
        }
        credentials = {"account_sid": account.account_sid, "auth_token": account.auth_token}
        workspace_id = await files.apply(rt, files.check(workspace, "crew", Path.cwd()), credentials)
        async with rt.db.transaction(workspace_id) as tx:
            channel = (await channels.listed(tx))[0]
        url = f"http://127.0.0.1:{port}"
        provider.state.add_number(
            account.account_sid, NUMBER, {"SmsUrl": f"{url}/channels/{channel.id}/messages"}
        )
        environ = {
            "PATH": "/usr/bin:/bin", "DATABASE_URL": rt.settings.database_url, "REDIS_URL": redis_url or "",
            "FRONTDESK_SECRET_KEY": ",".join(rt.settings.secrets), "FRONTDESK_PUBLIC_URL": url,
            "FRONTDESK_DATA_DIR": str(directory), "FRONTDESK_TWILIO_URL": provider.url,
            "FRONTDESK_LEASE_S": "1.5", "FRONTDESK_SEND_LEASE_S": "3", "FRONTDESK_POLL_S": "0.2",
        }  # fmt: skip
        crew = Crew(rt, provider, environ, directory / "crew.log", port, workspace_id)
        try:
            yield crew
        finally:
            await crew.end()
