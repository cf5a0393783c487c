"""Finding passages: one workspace with very many, and very many workspaces in one table; beside the same search done
exactly, over every vector.

Texts are drawn from topics over a vocabulary of Zipf's, vectors from the words of the text, so that both halves of the
search have something to find and neighbours lie as unevenly as real ones do.
"""

import asyncio
import random
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg

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
            exact, exact_times = await _ask(search, [large] * questions, asked)
            await owner.execute("update knowledge_state set ann = true where workspace_id = %s", (large,))
            found, times = await _ask(search, [large] * questions, asked)
            homes = [random.Random(n).choice(many) for n in range(questions)]  # noqa: S311
            _, small_times = await _ask(search, homes, asked)
    hits = [len(set(one) & set(other)) / len(other) for one, other in zip(found, exact, strict=True) if other]
    return {
        "chunks": chunks, "recall@10": round(sum(hits) / max(len(hits), 1), 4), **_spread("", times),
        **_spread("exact_", exact_times), "workspaces": workspaces, **_spread("small_", small_times),
        "questions": questions, "filled_s": round(filled, 1),
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


async def _ask(
    search: Hybrid, homes: Sequence[UUID], asked: Sequence[str]
) -> tuple[list[list[UUID]], list[float]]:
    """The ten best of each question, and how long each took; a tenth of them once before, unmeasured."""
    for home, question in list(zip(homes, asked, strict=True))[: max(10, len(asked) // 10)]:
        await search.search(home, question, 10)
    found, times = [], []
    for home, question in zip(homes, asked, strict=True):
        begun = time.perf_counter()
        found.append([one.id for one in await search.search(home, question, 10)])
        times.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(0)
    return found, times


def _spread(name: str, times: Sequence[float]) -> dict[str, float]:
    ordered = sorted(times) or [0.0]
    return {
        f"{name}p50_ms": round(ordered[len(ordered) // 2], 1),
        f"{name}p99_ms": round(ordered[len(ordered) * 99 // 100], 1),
    }


def told(found: dict[str, Any]) -> str:
    """For people."""
    return "\n".join([
        f"{found['chunks']:,} passages in one workspace: p50 {found['p50_ms']} ms, p99 {found['p99_ms']} ms, "
        f"recall@10 {found['recall@10']} of the exact search ({found['exact_p50_ms']} ms)",
        f"{found['workspaces']:,} workspaces in one table: p50 {found['small_p50_ms']} ms, p99 {found['small_p99_ms']} ms",
    ])  # fmt: skip
