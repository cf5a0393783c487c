"""Real processes of ours, to be killed: started, ended at a named step or by a signal, and started again."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2

from bench.nursery import Child, Nursery
from frontdesk.serving import listen
from runtime import files
from runtime.runtime import Runtime
from simulators import twilio
from simulators.twilio.serving import Running
from store import channels, conversations, people, receipts, turns
from store.conversations import Message
from store.turns import Told

KILLED = (137, -9)
NUMBER, CUSTOMER = "+15125550199", "+15125550100"
WEBS = ("web", "web-2")


Process = asyncio.subprocess.Process | Child


@dataclass(frozen=True, slots=True)
class Business:
    """A workspace with one number at the provider, whose webhooks go to the web process `web`."""

    id: UUID
    name: str
    number: str
    channel_id: UUID
    api_key: str
    web: str


@dataclass(slots=True)
class Crew:
    rt: Runtime
    provider: Running
    environ: dict[str, str]
    log: Path
    ports: dict[str, int]
    businesses: list[Business] = field(default_factory=list)
    processes: dict[str, Process] = field(default_factory=dict)
    nursery: Nursery | None = None
    """Whoever is here is forked there."""

    @property
    def workspace_id(self) -> UUID:
        return self.businesses[0].id

    def url(self, web: str) -> str:
        return f"http://127.0.0.1:{self.ports[web]}"

    async def start(
        self, name: str, crash_at: str = "", called: str = "", wait: bool = True, options: Sequence[str] = ()
    ) -> Process:
        """web, web-2, scheduler, or a worker, which leases and logs know as `called`; with `crash_at` it ends
        there, as if killed."""
        environ = self.environ | {"FRONTDESK_CRASH_AT": crash_at}
        if name in self.ports:
            command = ["serve", "--port", str(self.ports[name])]
            environ["FRONTDESK_PUBLIC_URL"] = self.url(name)
        else:
            command = ["scheduler"] if name == "scheduler" else ["worker", "--name", called or name]
        process = self.processes[name] = await self._bear([*command, *options], environ)
        if name in self.ports and wait:
            await self.until_ready(name)
        return process

    async def _bear(self, command: list[str], environ: dict[str, str]) -> Process:
        if self.nursery is not None:
            return await self.nursery.bear(command, environ, self.log)
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "frontdesk", *command, env=environ,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    async def text(self, words: str, sid: str | None = None) -> list[int]:
        """The customer texts; what the webhook answered each time the provider asked (0: no answer)."""
        body = {"to": self.businesses[0].number, "body": words, **({"message_sid": sid} if sid else {})}
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
            unread = await receipts.next_due(dispatch, self.workspace_id)
            due = await turns.next_due(dispatch, self.workspace_id)
        final = ("delivered", "cancelled", "failed")
        return (unread, due) == (None, None) and bool(states) and all(state in final for state in states)

    async def is_ready(self, web: str) -> bool:
        with contextlib.suppress(httpx2.HTTPError):
            return (await self.rt.http.get(f"{self.url(web)}/readyz", timeout=2)).status_code == 200
        return False

    async def until_ready(self, name: str = "web") -> None:
        process = self.processes[name]
        while process.returncode is None:
            if await self.is_ready(name):
                return
            await asyncio.sleep(0.05)
        if process.returncode not in KILLED:
            raise AssertionError(self.log.read_text()[-2000:])

    async def end(self) -> None:
        for process in self.processes.values():
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(signal.SIGCONT)
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


CEDAR: dict[str, Any] = {
    "workspace": {"name": "Cedar Dental"},
    "hours": {"mon-fri": "08:00-17:00"},
    "channels": [{"kind": "twilio_sms", "address": NUMBER, "debounce": "0.2s", "per_second": 1000}],
}


@contextlib.asynccontextmanager
async def open_crew(
    rt: Runtime,
    directory: Path,
    redis_url: str | None,
    businesses: Sequence[dict[str, Any]] = (CEDAR,),
    nursery: Nursery | None = None,
    **environ: str,
) -> AsyncIterator[Crew]:
    """Nobody is started yet. `rt` looks into the same database; `environ` is added to the processes'."""
    ports = dict(zip(WEBS, _free_ports(len(WEBS)), strict=True))
    async with twilio.serve(port=0, config=twilio.Config(step_delay=0.005)) as provider:
        common = {
            "PATH": "/usr/bin:/bin", "DATABASE_URL": rt.settings.database_url, "REDIS_URL": redis_url or "",
            "FRONTDESK_SECRET_KEY": ",".join(rt.settings.secrets),
            "FRONTDESK_PUBLIC_URL": f"http://127.0.0.1:{ports['web']}",
            "FRONTDESK_DATA_DIR": str(directory), "FRONTDESK_TWILIO_URL": provider.url,
            "FRONTDESK_LEASE_S": "1.5", "FRONTDESK_SEND_LEASE_S": "3", "FRONTDESK_POLL_S": "0.2",
        }  # fmt: skip
        crew = Crew(rt, provider, common | environ, directory / "crew.log", ports, nursery=nursery)
        for n, business in enumerate(businesses):
            crew.businesses.append(await _open_business(crew, business, f"crew-{ports['web']}-{n}", n))
        try:
            yield crew
        finally:
            await crew.end()


async def _open_business(crew: Crew, business: dict[str, Any], slug: str, n: int) -> Business:
    account, rt, web = crew.provider.state.config, crew.rt, WEBS[n % len(WEBS)]
    settings = {"slug": slug, "timezone": "America/Chicago"} | business["workspace"]
    credentials = {"account_sid": account.account_sid, "auth_token": account.auth_token}
    file = files.check(business | {"workspace": settings}, "crew", Path.cwd())
    workspace_id = await files.apply(rt, file, credentials)
    async with rt.db.transaction(workspace_id) as tx:
        channel = next(one for one in await channels.listed(tx) if one.kind == "twilio_sms")
        person = await people.add(tx, "owner", "Olive Owner", "olive@example.com")
        key = await people.add_key(tx, "crew", person)
    url = f"{crew.url(web)}/channels/{channel.id}/messages"
    crew.provider.state.add_number(account.account_sid, channel.address, {"SmsUrl": url})
    return Business(workspace_id, settings["name"], channel.address, channel.id, key, web)


def _free_ports(count: int) -> list[int]:
    listeners = [listen("127.0.0.1", 0) for _ in range(count)]
    ports: list[int] = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
