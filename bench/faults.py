"""Kills real processes under load and says what was lost: `make faults KILLS=200 SEED=1`, or
`python -m bench.faults --kills 200 --seed 1 [--json]`. See docs/faults.md."""

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from bench import outages
from bench.checks import Findings, check
from bench.crew import KILLED, Crew, Process, open_crew
from bench.load import Load
from bench.nursery import Nursery
from bench.outages import Databases
from runtime.runtime import open_runtime
from runtime.settings import Settings

WORKER_STEPS = (
    "inbox_read", "turn_claimed", "turn_loaded", "turn_answered", "turn_saved",
    "delivery_claimed", "delivery_sending", "delivery_sent", "delivery_recorded",
)  # fmt: skip
WEB_STEPS = ("webhook_parsed", "webhook_saved")
SHORT_STEPS = tuple(step for step in WORKER_STEPS if step != "delivery_sending")
"""That one never reached the provider: it takes two minutes to be sure."""
SECRET = "a secret of the fault bench"  # noqa: S105
_HELD = "select workspace_id, id, last_seq from conversation where lease_by = %s and lease_until > clock_timestamp()"
_ANSWER = (
    "select min(finished_at) from turn where workspace_id = %s and conversation_id = %s and state = 'saved'"
    " and finished_at > %s and first_seq <= %s"
)
_BUSY = (
    "select (select count(*) from unread) + (select count(*) from conversation where due_at is not null)"
    " + (select count(*) from delivery d where d.state in ('queued', 'sending') and d.attempts = 0 and not exists"
    " (select from delivery e where e.workspace_id = d.workspace_id and e.thread_id = d.thread_id"
    " and e.state in ('queued', 'sending', 'unknown') and (e.seq, e.part) < (d.seq, d.part)))"
)
_FETCHED = "select count(distinct provider_event_id) from inbound_receipt where provider_event_id = any(%s)"
_UNSETTLED = "select count(*) from delivery where state in ('queued', 'sending', 'unknown')"


@dataclass(frozen=True, slots=True)
class Plan:
    kills: int
    seed: int
    lease_s: float = 3.0
    send_lease_s: float = 6.0
    rate: float = 8.0
    kills_a_run: int = 35
    pause_s: tuple[float, float] = (0.4, 1.2)
    """Between two kills."""
    forked: bool = True
    """Processes are forked from one that has loaded the program; False: started as an operator starts them."""
    outages: tuple[str, ...] = ()
    """In this order, one a run; empty: every one, shuffled."""
    outage_s: float = 6.0
    long_s: float = 60.0
    """For Redis being away."""
    steps: tuple[str, ...] = WORKER_STEPS
    settled: bool = True
    """Wait until nothing is unknown any more."""
    settle_s: float = 240.0
    """How long the last run may take to come to rest: two minutes are needed to be sure that a text never left."""


@dataclass(slots=True)
class Life:
    """One process from its start to its death."""

    slot: str
    called: str
    step: str
    process: Process
    ready_at: float | None = None

    @property
    def ready(self) -> bool:
        return self.ready_at is not None and self.process.returncode is None


@dataclass(slots=True)
class Held:
    """A conversation in the hands of a worker when it died."""

    workspace_id: UUID
    conversation_id: UUID
    last_seq: int
    at: datetime
    calm: bool
    """Another worker was up and nothing else was broken; counted so only if the heir was not killed as well."""


@dataclass(slots=True)
class Killer:
    """Keeps processes running, and kills them: at a step that they were told at birth, or at any moment."""

    crew: Crew
    bases: Databases
    plan: Plan
    random: random.Random
    lives: dict[str, Life] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    held: list[Held] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    """Ends that nobody planned."""
    armed: bool = False
    outage: str = ""
    _births: int = 0
    _ending: bool = False
    _keepers: list["asyncio.Task[None]"] = field(default_factory=list)

    async def start(self) -> None:
        slots = ["web", "web-2", "worker-1", "worker-2", "scheduler"]
        self.crew.log.touch()
        self._keepers = [asyncio.create_task(self._keep(slot)) for slot in slots]
        self._keepers.append(asyncio.create_task(self._watch()))
        while len(self.lives) < len(slots) or not all(one.ready for one in self.lives.values()):
            self._raise_if_broken()
            await asyncio.sleep(0.05)

    def _raise_if_broken(self) -> None:
        for keeper in self._keepers:
            if keeper.done():
                keeper.result()

    async def end(self) -> None:
        self._ending = True
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await self.crew.end()

    @property
    def total(self) -> int:
        return sum(self.kills.values())

    async def kill_until(self, total: int) -> None:
        """At random moments; deaths at named steps count as well."""
        self.armed = True
        slots, weights = ["worker-1", "worker-2", "web", "web-2", "scheduler"], [6, 6, 3, 3, 1]
        while self.total < total:
            self._raise_if_broken()
            await asyncio.sleep(self.random.uniform(*self.plan.pause_s))
            (slot,) = self.random.choices(slots, weights)
            life = self.lives[slot]
            if life.ready and not life.step and self._other_ready(slot) and self.total < total:
                with contextlib.suppress(ProcessLookupError):
                    life.process.send_signal(signal.SIGKILL)
        self.armed = False

    def _other_ready(self, slot: str) -> bool:
        """Not both at once: that would only measure how long a start takes."""
        others = [one for name, one in self.lives.items() if name != slot and name[:3] == slot[:3]]
        return not others or any(one.ready for one in others)

    async def _watch(self) -> None:
        """Webs are asked whether they are ready; the others say it in the log."""
        with self.crew.log.open() as log:
            while True:
                said = [line for line in log if '"ready"' in line]
                for slot, life in list(self.lives.items()):
                    if life.ready_at is None and life.process.returncode is None:
                        if slot in self.crew.ports:
                            fine = await self.crew.is_ready(slot)
                        else:
                            fine = slot == "scheduler" or any(f'"{life.called}"' in line for line in said)
                        life.ready_at = time.monotonic() if fine else None
                await asyncio.sleep(0.1)

    async def _keep(self, slot: str) -> None:
        while True:
            life = await self._bear(slot)
            code = await life.process.wait()
            if self._ending:
                return
            if code in KILLED:
                self.kills[life.step.partition(":")[0] or f"{slot.partition('-')[0]} at random"] += 1
                if slot.startswith("worker"):
                    await self._remember(life)
            else:
                self.deaths.append(f"{life.called} ended by itself with code {code}")
                await asyncio.sleep(1)

    async def _bear(self, slot: str) -> Life:
        self._births += 1
        step = self._step(slot)
        called = f"{slot}.{self._births}"
        process = await self.crew.start(slot, crash_at=step, called=called, wait=False)
        self.lives[slot] = Life(slot, called, step, process)
        return self.lives[slot]

    def _step(self, slot: str) -> str:
        """Where it shall die, and at which of its passings there. One worker at a time is doomed: then the other
        shows how long the rest of us need."""
        steps = WEB_STEPS if slot.startswith("web") else self.plan.steps if slot.startswith("worker") else ()
        doomed = any(
            life.step for life in self.lives.values() if life.slot != slot and life.slot[:3] == slot[:3]
        )
        if not self.armed or not steps or doomed or self.random.random() < 0.4:
            return ""
        return f"{self.random.choice(steps)}:{self.random.randint(1, 4)}"

    async def _remember(self, life: Life) -> None:
        """Before it can be claimed again: what the dead one held."""
        up = self._other_ready(life.slot)
        try:
            async with await psycopg.AsyncConnection.connect(self.bases.postgres.owner_url) as owner:
                now = (await (await owner.execute("select clock_timestamp()")).fetchall())[0][0]
                rows = await (await owner.execute(_HELD, (life.called,))).fetchall()
        except psycopg.OperationalError:
            return
        calm = up and not self.outage
        self.held += [Held(workspace, id_, last_seq, now, calm) for workspace, id_, last_seq in rows]


@dataclass(slots=True)
class Report:
    plan: Plan
    runs: int = 0
    findings: Findings = field(default_factory=Findings)
    more: dict[str, Any] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    recovered: list[float] = field(default_factory=list)
    calm: list[float] = field(default_factory=list)
    kills: int = 0

    def as_json(self) -> dict[str, Any]:
        found = self.findings
        return {
            "kills": self.kills, "runs": self.runs, "acknowledged": found.acknowledged, "lost": found.lost,
            "duplicated": found.duplicated, "reordered": found.reordered, "unknown": found.unknown,
            "recovery_p50_s": percentile(self.recovered, 50), "recovery_max_s": percentile(self.recovered, 100),
            "violations": self.violations,
            "seed": self.plan.seed, "lease_s": self.plan.lease_s, "sent_parts": found.sent_parts,
            "unacknowledged": found.unacknowledged, "unacknowledged_stored": found.unacknowledged_stored,
            "recoveries": len(self.recovered), "calm_recoveries": len(self.calm),
            "calm_recovery_p50_s": percentile(self.calm, 50), "calm_recovery_max_s": percentile(self.calm, 100),
            "recovered_in_lease_plus_2_s": sum(one <= self.plan.lease_s + 2 for one in self.recovered),
            "calm_in_lease_plus_2_s": sum(one <= self.plan.lease_s + 2 for one in self.calm),
            "sent_while_stop_arrived": found.in_flight_after_stop, "in_flight_max_ms": found.in_flight_max_ms,
            **self.more,
        }  # fmt: skip


def percentile(values: list[float], percent: int) -> float | None:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) * percent // 100, len(ordered) - 1)], 2) if ordered else None


async def run(plan: Plan, directory: Path, say: Any = lambda line: None) -> Report:
    report, chosen = Report(plan), random.Random(plan.seed)  # noqa: S311
    bases = await Databases.start(directory)
    settings = Settings(
        database_url=bases.postgres.url, redis_url=None, data_dir=directory,
        public_url="http://127.0.0.1:1", secrets=(SECRET,),
    )  # fmt: skip
    environ = {
        "FRONTDESK_LEASE_S": str(plan.lease_s), "FRONTDESK_SEND_LEASE_S": str(plan.send_lease_s),
        "FRONTDESK_SWEEP_S": "2",
    }  # fmt: skip
    redis_url = bases.redis.url if bases.redis else None
    try:
        async with (
            open_runtime(settings) as rt,
            open_crew(rt, directory, redis_url, businesses(), None, **environ) as crew,
        ):
            if plan.forked:
                crew.nursery = await Nursery.open()
            killer = Killer(crew, bases, plan, chosen)
            load = Load(crew, random.Random(plan.seed + 1), plan.rate)  # noqa: S311
            await killer.start()
            try:
                await _runs(plan, report, killer, load, chosen, say)
            finally:
                await killer.end()
                if crew.nursery is not None:
                    await crew.nursery.close()
            report.more["log_errors"] = _errors(crew.log)
    finally:
        bases.stop()
    return report


def businesses() -> list[dict[str, Any]]:
    def one(n: int, name: str, **policy: Any) -> dict[str, Any]:
        channel = {
            "kind": "twilio_sms", "address": f"+1512555019{n}", "debounce": "0.2s", "debounce_max": "1s",
            "per_second": 1000,
        }  # fmt: skip
        return {
            "workspace": {"name": name}, "hours": {"mon-fri": "08:00-17:00"}, "channels": [channel],
            "policy": {"pause_after_human": "20s", "replies_per_10_minutes": 100} | policy,
        }  # fmt: skip

    return [one(1, "Cedar Dental"), one(2, "Lakeline Wealth", default="draft"), one(3, "Barton Homes")]


async def _runs(
    plan: Plan, report: Report, killer: Killer, load: Load, chosen: random.Random, say: Any
) -> None:
    planned = list(plan.outages) or outages.order(chosen)
    acks: list[float] = []
    while killer.total < plan.kills:
        name = planned[report.runs % len(planned)]
        load.start()
        target = min(killer.total + plan.kills_a_run, plan.kills)
        trouble = asyncio.create_task(_trouble(plan, killer, name, chosen.uniform(1, 5)))
        await killer.kill_until(target)
        await trouble
        await load.stop()
        final = killer.total >= plan.kills
        missing = [one.sid for one in load.texts if not one.acknowledged]
        rested = await _rest(killer, plan.settle_s if final else 90, missing, final and plan.settled)
        report.runs += 1
        report.findings = await check(
            killer.crew, killer.bases.postgres.owner_url, load.texts, final=final, settled=plan.settled
        )
        fresh = [one for one in report.findings.violations if one not in report.violations]
        if not rested:
            fresh.append(f"run {report.runs} ({name}) did not come to rest")
        report.violations += fresh
        say(f"run {report.runs} {name}: {killer.total} kills, {len(load.texts)} texts, {fresh or 'fine'}")
    acks = sorted(one.ack_ms for one in load.texts if one.acknowledged)
    report.violations += killer.deaths
    report.kills = killer.total
    report.more |= {
        "killed": dict(sorted(killer.kills.items())), "ack_p50_ms": percentile(acks, 50), "ack_p99_ms": percentile(acks, 99),
        "people_said": load.people_said, "people_conflicts": load.conflicts,
        "outages": planned[: report.runs],
    }  # fmt: skip
    await _recoveries(killer, report)


async def _trouble(plan: Plan, killer: Killer, name: str, after: float) -> None:
    await asyncio.sleep(after)
    killer.outage = name
    seconds = plan.long_s if name == "redis_away" else plan.outage_s
    await outages.OUTAGES[name](killer.bases, killer.crew, seconds)
    killer.outage = ""


async def _rest(killer: Killer, patience_s: float, missing: list[str], everything: bool) -> bool:
    """Until nothing is due and the `missing` texts were fetched; what is looked up at the provider or waits for a
    second try may go on, unless `everything` must come to its end."""
    deadline = time.monotonic() + patience_s
    calm = 0
    while time.monotonic() < deadline:
        await asyncio.sleep(0.5)
        with contextlib.suppress(psycopg.OperationalError):
            async with await psycopg.AsyncConnection.connect(killer.bases.postgres.owner_url) as owner:
                sql = f"select ({_BUSY}) + ({_UNSETTLED if everything else 'select 0'})"
                busy = (await (await owner.execute(sql.encode())).fetchall())[0][0]
                fetched = (await (await owner.execute(_FETCHED, (missing,))).fetchall())[0][0]
                busy += len(missing) - fetched
            calm = calm + 1 if busy == 0 else 0
            if calm >= 4:
                return True
    return False


async def _recoveries(killer: Killer, report: Report) -> None:
    async with await psycopg.AsyncConnection.connect(killer.bases.postgres.owner_url) as owner:
        for one in killer.held:
            values = (one.workspace_id, one.conversation_id, one.at, one.last_seq)
            answer = (await (await owner.execute(_ANSWER, values)).fetchall())[0][0]
            if answer is None:
                continue  # a person took it, or it was a STOP
            seconds = (answer - one.at).total_seconds()
            report.recovered.append(seconds)
            again = any(
                o.conversation_id == one.conversation_id and one.at < o.at < answer for o in killer.held
            )
            if one.calm and not again:
                report.calm.append(seconds)


def _errors(log: Path) -> dict[str, int]:
    """What our processes complained about, by kind."""
    found: Counter[str] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            found[line[:100]] += 1
            continue
        if said.get("level") in ("error", "critical"):
            found[str(said.get("event"))[:160]] += 1
    return dict(found.most_common(12))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.faults")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=8.0, help="texts a second")
    parser.add_argument("--lease", type=float, default=3.0, help="seconds")
    parser.add_argument("--outages", default="", help="only these, comma-separated")
    parser.add_argument("--json", action="store_true", help="nothing but the JSON")
    parser.add_argument("--keep", type=Path, help="work in this directory and leave it there")
    given = parser.parse_args()
    names = tuple(name for name in given.outages.split(",") if name)
    plan = Plan(given.kills, given.seed, given.lease, 2 * given.lease, given.rate, outages=names)
    with contextlib.ExitStack() as stack:
        directory = given.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        directory.mkdir(parents=True, exist_ok=True)
        say = (lambda line: 0) if given.json else lambda line: sys.stderr.write(f"{line}\n")
        started = time.monotonic()
        report = asyncio.run(run(plan, directory, say)).as_json()
    report |= {"seconds": round(time.monotonic() - started), "load_average": round(os.getloadavg()[0], 1)}
    sys.stdout.write(json.dumps(report, indent=None if given.json else 1, default=str) + "\n")
    sys.exit(1 if report["violations"] else 0)


if __name__ == "__main__":
    main()
