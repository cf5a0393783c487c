"""From a signed webhook to the answer at the provider: real web process, real workers, a simulator of the provider,
a debounce of nothing. How long, where the time goes, how many a second, how much CPU; and with a past of many messages."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.crew import Crew
from bench.ground import Ground, cpu_s, load_average, open_ground, postgres_s
from bench.history import fill
from simulators.twilio import handsets

WORDS = "what are your opening hours?"
STAGES = ("stored", "loaded", "answered", "prepared", "sent")
"""When each is over, counted from the end of the one before: the message is committed; a worker has it, with all that
the dialogue needs; understood, answered and saved; the gate has said yes; the provider has it."""
_TIMES = (
    "select m.provider_id, extract(epoch from m.created_at), extract(epoch from t.started_at),"
    " extract(epoch from t.finished_at), extract(epoch from a.started_at), a.provider_id"
    " from message m join turn t on t.workspace_id = m.workspace_id and t.conversation_id = m.conversation_id"
    " and m.seq between t.first_seq and t.base_seq and t.state = 'saved'"
    " join message o on o.workspace_id = t.workspace_id and o.turn_id = t.id"
    " join delivery d on d.workspace_id = o.workspace_id and d.message_id = o.id and d.part = 0"
    " join delivery_attempt a on a.workspace_id = d.workspace_id and a.delivery_id = d.id"
    " where m.provider_id = any(%s)"
)


@dataclass(frozen=True, slots=True)
class Used:
    """CPU seconds so far."""

    web: float
    workers: float
    postgres: float


async def run(
    messages: int = 0, rate: float = 20, seconds: float = 8, workers: int = 1, flood: int = 300
) -> dict[str, Any]:
    async with open_ground(FRONTDESK_POLL_S="1", FRONTDESK_LEASE_S="15") as ground:
        filling = time.perf_counter()
        past = await fill(ground.postgres.owner_url, ground.crew, messages) if messages else None
        filled = time.perf_counter() - filling
        crew = ground.crew
        await crew.start("web")
        for n in range(workers):
            await crew.start(f"worker-{n}")
        known = past.handsets if past else [f"+1512{7_000_000 + n}" for n in range(1000)]
        await _warm(crew, known[:10])
        before, loads = _used(ground, workers), [load_average()]
        texts = await _steady(crew, known[10:], rate, int(rate * seconds))
        after = _used(ground, workers)
        loads.append(load_average())
        times = await _times(ground, crew, texts)
        per_s = await _flood(crew, flood, workers)
    count = max(len(times), 1)
    return {
        "turns_per_s": round(per_s, 1), "turns_per_s_per_worker": round(per_s / workers, 1),
        **_spread([one[-1] - one[0] for one in times]),
        "stages": {
            name: _spread([one[n + 1] - one[n] for one in times]) for n, name in enumerate(STAGES)
        },
        "cpu_ms_per_message": {
            name: round((getattr(after, name) - getattr(before, name)) / count * 1000, 1)
            for name in ("web", "workers", "postgres")
        },
        "stored_messages": past.messages if past else 0, "filled_s": round(filled, 1), "rate": rate,
        "answered": len(times), "asked": len(texts), "workers": workers, "load_average": loads,
    }  # fmt: skip


async def _warm(crew: Crew, known: list[str], patience_s: float = 180) -> None:
    """Until a worker answers: it learns the business first, which on a busy machine takes a while. Then plans are
    made and pools filled."""
    await _steady(crew, known, 5, 5)
    until = time.perf_counter() + patience_s
    while not _answers(crew):
        if time.perf_counter() > until:
            raise RuntimeError(f"no worker answers: {crew.log.read_text()[-2000:]}")
        await asyncio.sleep(0.2)
    await _steady(crew, known, 5, 60)


async def _steady(crew: Crew, known: list[str], rate: float, count: int) -> list[str]:
    """So many texts a second, each customer in turn; their MessageSids. Returns when all are answered."""
    simulation, number = crew.provider.state, crew.businesses[0].number
    sids = [simulation.sid("SM") for _ in range(count)]
    before, begun, tasks = _answers(crew), time.perf_counter(), []
    for n, sid in enumerate(sids):
        await asyncio.sleep(max(0.0, begun + n / rate - time.perf_counter()))
        text = handsets.Text(to=number, body=WORDS, message_sid=sid)
        tasks.append(asyncio.create_task(handsets.send(simulation, known[n % len(known)], text)))
    await asyncio.gather(*tasks)
    await _answered(crew, before + count)
    return sids


async def _answered(crew: Crew, count: int, patience_s: float = 10) -> None:
    """Until there are so many answers, or none has come for `patience_s`."""
    heard, since = _answers(crew), time.perf_counter()
    while heard < count and time.perf_counter() - since < patience_s:
        await asyncio.sleep(0.05)
        if (now := _answers(crew)) != heard:
            heard, since = now, time.perf_counter()


def _answers(crew: Crew) -> int:
    return sum(one.outbound for one in crew.provider.state.messages.values())


async def _times(ground: Ground, crew: Crew, sids: list[str]) -> list[tuple[float, ...]]:
    """Of every text that was answered: when it was sent, and the end of each stage."""
    taken = crew.provider.state.messages
    async with await psycopg.AsyncConnection.connect(ground.postgres.owner_url) as owner:
        rows = await (await owner.execute(_TIMES, (sids,))).fetchall()
    return [
        (taken[sid].created.timestamp(), *(float(at) for at in times), taken[answer].created.timestamp())
        for sid, *times, answer in rows
        if answer in taken
    ]


async def _flood(crew: Crew, count: int, workers: int) -> float:
    """Answers a second when there is always more to do."""
    simulation, number, gate = crew.provider.state, crew.businesses[0].number, asyncio.Semaphore(16)
    before, answered = len(simulation.messages), _answers(crew)

    async def text(n: int) -> None:
        async with gate:
            await handsets.send(simulation, f"+1512{8_000_000 + n}", handsets.Text(to=number, body=WORDS))

    begun = time.time()
    await asyncio.gather(*(text(n) for n in range(count)))
    await _answered(crew, answered + count)
    answers = [one.created.timestamp() for one in list(simulation.messages.values())[before:] if one.outbound]
    return len(answers) / (max(answers) - begun) if answers else 0.0


def _used(ground: Ground, workers: int) -> Used:
    processes = ground.crew.processes
    return Used(
        cpu_s(processes["web"].pid),
        sum(cpu_s(processes[f"worker-{n}"].pid) for n in range(workers)),
        postgres_s(ground.postgres.owner_url),
    )


def _spread(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds) or [0.0]
    return {
        "p50_ms": round(ordered[len(ordered) // 2] * 1000, 1),
        "p99_ms": round(ordered[len(ordered) * 99 // 100] * 1000, 1),
    }


def told(found: dict[str, Any]) -> str:
    """For people."""
    stages = [
        f"  {name:<10}{one['p50_ms']:>8.1f}{one['p99_ms']:>9.1f}" for name, one in found["stages"].items()
    ]
    cpu = ", ".join(f"{name} {ms} ms" for name, ms in found["cpu_ms_per_message"].items())
    return "\n".join([
        f"answered {found['answered']} of {found['asked']} at {found['rate']}/s, {found['stored_messages']:,} stored before",
        "              p50 ms   p99 ms", *stages, f"  {'together':<10}{found['p50_ms']:>8.1f}{found['p99_ms']:>9.1f}",
        f"CPU a message: {cpu}",
        f"{found['turns_per_s']} turns/s with {found['workers']} worker(s); load {found['load_average']}",
    ])  # fmt: skip
