"""Homes found among very many: filters with and without wishes, beside the same filter as one bare SQL query.

The listings are those of `simulators.mls`. Their vectors are put together from those of their sentences, of which there
are few: so they lie as real ones do, and are made in seconds.
"""

import asyncio
import json
import random
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from domain.listings.search import Wanted
from frontdesk.quality.retrieval import bare_runtime
from runtime import files
from runtime import listings as feeds
from runtime.homes import StoredHomes
from simulators.mls.__main__ import SEED, TODAY
from simulators.mls.homes import Maker
from simulators.mls.places import PLACES
from store import listing_vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from domain.ports import Embedder

SHOWN, TOGETHER = 5, 1_000
WISHES = (
    "bright kitchen",
    "quiet street",
    "large garden",
    "natural light",
    "lake trail",
    "home office",
    "tall windows",
)
BARE = (
    "select key from listing where workspace_id = %s and status = 'active' and deal = 'sale' and price <= %s"
    " and beds >= %s and places && %s order by listed_on desc nulls last, key limit 5"
)


class Assembled:
    """The middle of a text's sentences, each embedded once."""

    def __init__(self, embedder: "Embedder") -> None:
        self._embedder = embedder
        self._known: dict[str, NDArray[np.float32]] = {}

    async def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        import numpy as np

        pieces = [re.split(r"(?<=[.!?])\s+", text) for text in texts]
        if fresh := sorted({one for text in pieces for one in text} - self._known.keys()):
            made = await self._embedder.embed(fresh)
            self._known |= dict(zip(fresh, made, strict=True))
        middles = np.stack([np.mean([self._known[one] for one in text], axis=0) for text in pieces])
        whole: NDArray[np.float32] = middles / np.linalg.norm(middles, axis=1, keepdims=True)
        return whole


async def run(count: int = 10_000, questions: int = 300) -> dict[str, Any]:
    async with bare_runtime() as (rt, postgres):
        business = {"workspace": {"slug": "homes", "name": "homes", "timezone": "UTC"}}
        home = await files.apply(rt, files.check(business, "search", Path.cwd()))
        begun = time.perf_counter()
        text = json.dumps(list(Maker(SEED, TODAY).homes(count)))
        taken = await feeds.take(rt.db, home, text, "bench")
        imported = time.perf_counter() - begun
        await _embed(rt.db, home, Assembled(rt.embedder), rt.embedder.model)
        async with await psycopg.AsyncConnection.connect(postgres.owner_url, autocommit=True) as owner:
            await owner.execute("vacuum analyze")
            homes, wanted = StoredHomes(rt.db, rt.embedder), _wanted(questions)
            wished = [Wanted(one.deal, high=one.high, beds=one.beds, places=one.places, areas=one.areas, wishes=wishes)
                      for one, wishes in zip(wanted, _wishes(questions), strict=True)]  # fmt: skip

            async def bare(one: Wanted) -> None:
                await (await owner.execute(BARE, (home, one.high, one.beds, list(one.places)))).fetchall()

            async def plain(one: Wanted) -> None:
                await homes.find(home, one, SHOWN)

            async def everything(_: Wanted) -> None:
                await homes.find(home, Wanted(wishes=WISHES[:2]), SHOWN)

            # Interleaved, so that a busy moment of the machine is everybody's.
            told: dict[str, list[float]] = {"floor_": [], "": [], "wished_": [], "all_": []}
            for place, one in enumerate(wanted):
                for name, ask, what in (
                    ("floor_", bare, one), ("", plain, one), ("wished_", plain, wished[place]), ("all_", everything, one),
                ):  # fmt: skip
                    told[name].append(await _timed(ask, what))
                await asyncio.sleep(0)
    found = {name: figure for prefix, times in told.items() for name, figure in spread(prefix, times).items()}
    ratio = round(found["p99_ms"] / max(found["floor_p99_ms"], 0.01), 1)
    return {
        "listings": taken.rows, "new": taken.counted.new, "imported_s": round(imported, 1), "questions": questions,
        **found, "ratio_p99": ratio,
    }  # fmt: skip


async def _timed(ask: Callable[[Wanted], Awaitable[None]], one: Wanted) -> float:
    begun = time.perf_counter()
    await ask(one)
    return (time.perf_counter() - begun) * 1000


async def _embed(db: Any, home: UUID, embedder: Assembled, model: str) -> None:
    while True:
        async with db.transaction(home) as tx:
            bare = await listing_vectors.missing(tx, model, TOGETHER)
        if not bare:
            break
        made = (await embedder.embed([one.words for one in bare])).tolist()
        async with db.transaction(home) as tx:
            await listing_vectors.add(tx, model, list(zip(bare, made, strict=True)))
    async with db.transaction(home) as tx:
        version = await listing_vectors.renew(tx, timedelta(seconds=1))
        assert version is not None
        assert await listing_vectors.serve(tx, model, version)


def _wanted(count: int) -> list[Wanted]:
    drawn = random.Random(5)  # noqa: S311
    found = []
    for _ in range(count):
        areas = tuple(one.name for one in drawn.sample(PLACES, drawn.randint(1, 4)))
        high, beds = Decimal(drawn.randrange(250, 1200, 25) * 1000), drawn.randint(1, 4)
        found.append(Wanted(high=high, beds=beds, areas=areas, places=tuple(one.lower() for one in areas)))
    return found


def _wishes(count: int) -> list[tuple[str, ...]]:
    drawn = random.Random(6)  # noqa: S311
    return [tuple(drawn.sample(WISHES, drawn.randint(1, 3))) for _ in range(count)]


def spread(name: str, times: Sequence[float]) -> dict[str, float]:
    """p50 and p99, under this name."""
    ordered = sorted(times) or [0.0]
    return {
        f"{name}p50_ms": round(ordered[len(ordered) // 2], 1),
        f"{name}p99_ms": round(ordered[len(ordered) * 99 // 100], 1),
    }


def told(found: dict[str, Any]) -> str:
    """For people."""
    return "\n".join([
        f"{found['listings']:,} listings, imported in {found['imported_s']} s",
        f"filters alone: p50 {found['p50_ms']} ms, p99 {found['p99_ms']} ms; the same as bare SQL: p50"
        f" {found['floor_p50_ms']} ms, p99 {found['floor_p99_ms']} ms ({found['ratio_p99']} times)",
        f"with wishes by meaning: p50 {found['wished_p50_ms']} ms, p99 {found['wished_p99_ms']} ms",
        f"wishes alone, over all of them: p50 {found['all_p50_ms']} ms, p99 {found['all_p99_ms']} ms",
    ])  # fmt: skip
