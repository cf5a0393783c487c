"""Finding passages: one workspace with very many, and very many workspaces in one table; beside the same search done
exactly, over every vector.

Texts are drawn from topics over a vocabulary of Zipf's, vectors from the words of the text, so that both halves of the
search have something to find and neighbours lie as unevenly as real ones do.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

from bench.ground import load_average, postgres_s
from frontdesk.quality.retrieval import bare_runtime
from knowledge.search import Hybrid
from runtime import files
from runtime.runtime import Runtime
from store import knowledge, vectors
from store.knowledge import Chunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSIONS, TOPICS, VOCABULARY, WORDS = 384, 400, 30_000, 45
TOGETHER = 500
INDEX = (
    "create index embedding_384 on embedding using hnsw ((vector::halfvec(384)) halfvec_ip_ops)"
    " where ann and dimensions = 384"
)


def word(number: int) -> str:
    """Six letters, the first of them any: words that only differ in their end would all look like slips."""
    mixed = number * 7_368_787 % 26**6
    return "".join(chr(97 + mixed // 26**place % 26) for place in range(6))


class Drawn:
    """Vectors from words, each word's drawn once; words of a topic lean the same way."""

    model, dimensions = "drawn-384", DIMENSIONS

    def __init__(self, seed: int = 1) -> None:
        import numpy as np

        drawn = np.random.default_rng(seed)
        topics = drawn.standard_normal((TOPICS, DIMENSIONS)).astype(np.float32)
        own = drawn.standard_normal((VOCABULARY, DIMENSIONS)).astype(np.float32)
        self._numbers = {word(n): n for n in range(VOCABULARY)}
        self._words = 0.8 * topics[np.arange(VOCABULARY) % TOPICS] + own

    async def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        import numpy as np

        out = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, text in zip(out, texts, strict=True):
            words = [self._numbers[one] for one in text.split() if one in self._numbers]
            row += self._words[words].sum(0) if words else 1
            row /= np.linalg.norm(row)
        return out


class Writer:
    def __init__(self, seed: int = 2) -> None:
        self._drawn = random.Random(seed)  # noqa: S311

    def text(self, topic: int | None = None, words: int = WORDS) -> str:
        """A third of its words are of its topic; all are commoner the lower their number."""
        topic = self._drawn.randrange(TOPICS) if topic is None else topic
        return " ".join(self._word(topic if n % 3 == 0 else None) for n in range(words))

    def _word(self, topic: int | None) -> str:
        rank = min(int(self._drawn.paretovariate(0.6)), VOCABULARY - 1)
        return word(rank if topic is None else (rank * TOPICS + topic) % VOCABULARY)

    def question(self) -> str:
        return self.text(words=self._drawn.randint(4, 9))


async def run(chunks: int = 100_000, workspaces: int = 1_000, questions: int = 300) -> dict[str, Any]:
    async with bare_runtime() as (rt, postgres):
        embedder, writer = Drawn(), Writer()
        search = Hybrid(rt.db, embedder)
        begun = time.perf_counter()
        async with await psycopg.AsyncConnection.connect(postgres.owner_url, autocommit=True) as owner:
            await owner.execute("drop index embedding_384")  # made anew at the end: the same graph, sooner
            (large,) = await _found(rt, 1, "large")
            await _fill(rt, large, embedder, writer, chunks)
            many = await _found(rt, workspaces, "small")
            for one in many:
                await _fill(rt, one, embedder, writer, max(1, chunks // max(workspaces, 1)))
            await owner.execute("update embedding set ann = true where workspace_id = %s", (large,))
            await owner.execute("set maintenance_work_mem = '512MB'")
            await owner.execute(INDEX)  # type: ignore[arg-type]
            await owner.execute("vacuum analyze")
            filled = time.perf_counter() - begun
            asked = [writer.question() for _ in range(questions)]
            exact = await _ask(search, postgres.owner_url, [large] * questions, asked)
            await owner.execute("update knowledge_state set ann = true where workspace_id = %s", (large,))
            found = await _ask(search, postgres.owner_url, [large] * questions, asked)
            homes = [random.Random(n).choice(many) for n in range(questions)]  # noqa: S311
            small = await _ask(search, postgres.owner_url, homes, asked)
    return {
        "chunks": chunks, "recall@10": _recall(found, exact), "large": found.told(), "exact": exact.told(),
        "workspaces": workspaces, "small": small.told(), "questions": questions, "filled_s": round(filled, 1),
        "load": load_average(),
    }  # fmt: skip


async def _found(rt: Runtime, count: int, name: str) -> list[UUID]:
    made = []
    for n in range(count):
        business = {"workspace": {"slug": f"{name}-{n}", "name": name, "timezone": "UTC"}}
        made.append(await files.apply(rt, files.check(business, name, Path.cwd())))
    return made


async def _fill(rt: Runtime, workspace_id: UUID, embedder: Drawn, writer: Writer, count: int) -> None:
    for start in range(0, count, TOGETHER):
        texts = [writer.text() for _ in range(min(TOGETHER, count - start))]
        made = (await embedder.embed(texts)).tolist()
        async with rt.db.transaction(workspace_id) as tx:
            await knowledge.put(tx, f"d{start}", f"Document {start}", [Chunk("", text) for text in texts])
            bare = await vectors.missing(tx, embedder.model, TOGETHER)
            await vectors.add(tx, embedder.model, [one.nr for one in bare], made)
    async with rt.db.transaction(workspace_id) as tx:
        state = await vectors.state(tx, timedelta(seconds=1))
        assert state
        assert await vectors.serve(tx, embedder.model, state.version)


@dataclass(frozen=True, slots=True)
class Asked:
    """The ten best of each question; how long each took, in milliseconds; CPU of all together, in seconds."""

    found: Sequence[list[UUID]]
    times: Sequence[float]
    own_s: float
    postgres_s: float

    def told(self) -> dict[str, float]:
        ordered, count = sorted(self.times), max(len(self.times), 1)
        return {
            "p50_ms": round(ordered[count // 2], 1), "p99_ms": round(ordered[count * 99 // 100], 1),
            "cpu_ms": round(self.own_s * 1000 / count, 1), "postgres_cpu_ms": round(self.postgres_s * 1000 / count, 1),
        }  # fmt: skip


async def _ask(search: Hybrid, owner_url: str, homes: Sequence[UUID], asked: Sequence[str]) -> Asked:
    """A tenth of them once before, unmeasured."""
    for home, question in list(zip(homes, asked, strict=True))[: max(10, len(asked) // 10)]:
        await search.search(home, question, 10)
    found, times = [], []
    own, theirs = time.process_time(), postgres_s(owner_url)
    for home, question in zip(homes, asked, strict=True):
        begun = time.perf_counter()
        found.append([one.id for one in await search.search(home, question, 10)])
        times.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(0)
    return Asked(found, times, time.process_time() - own, postgres_s(owner_url) - theirs)


def _recall(found: Asked, exact: Asked) -> float:
    """Of the exact search's ten, how many were found."""
    shares = [
        len(set(one) & set(other)) / len(other)
        for one, other in zip(found.found, exact.found, strict=True)
        if other
    ]
    return round(sum(shares) / max(len(shares), 1), 4)


def told(found: dict[str, Any]) -> str:
    """For people."""
    large, exact, small = found["large"], found["exact"], found["small"]
    return "\n".join([
        f"{found['chunks']:,} passages in one workspace: {_words(large)}; recall@10 {found['recall@10']} of the exact "
        f"search ({_words(exact)})",
        f"{found['workspaces']:,} workspaces in one table: {_words(small)}; load {found['load']}",
    ])  # fmt: skip


def _words(one: dict[str, float]) -> str:
    return f"p50 {one['p50_ms']} ms, p99 {one['p99_ms']} ms, CPU {one['cpu_ms']} ms and {one['postgres_cpu_ms']} of Postgres"
