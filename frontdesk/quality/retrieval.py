"""How well passages are found: a corpus is learnt into an embedded database, and asked as a customer's turn asks."""

import csv
import gzip
import json
import math
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from frontdesk.quality.labelled import BadFile
from frontdesk.quality.sheet import Section
from knowledge.chunk import chunk
from runtime import files
from runtime.runtime import Runtime, open_runtime
from runtime.settings import Settings
from store import knowledge
from store.embedded import EmbeddedPostgres
from store.knowledge import Chunk
from store.migrate import migrate
from workers.embeddings import EmbeddingWorker

BEST = 10
PASSAGES = 30
"""Asked for, to have ten records: a long record is several passages."""
TOGETHER = 200
"""Records that are stored as one document, as the rows of a sheet are."""
_BUSINESS = {"workspace": {"slug": "retrieval", "name": "Retrieval", "timezone": "UTC"}}


@dataclass(frozen=True, slots=True)
class Set:
    """`records` are (id, title, text), `queries` id → text, `right` query → the records that answer it."""

    records: Sequence[tuple[str, str, str]]
    queries: Mapping[str, str]
    right: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Figures:
    ndcg: float
    recall: float
    mrr: float
    p50_ms: float
    p99_ms: float
    queries: int
    records: int
    passages: int
    learnt_s: float

    def as_json(self) -> dict[str, Any]:
        return {
            "ndcg@10": round(self.ndcg, 4), "recall@10": round(self.recall, 4), "mrr@10": round(self.mrr, 4),
            "p50_ms": round(self.p50_ms, 1), "p99_ms": round(self.p99_ms, 1), "queries": self.queries,
            "records": self.records, "passages": self.passages, "learnt_s": round(self.learnt_s, 1),
        }  # fmt: skip


def read(directory: Path) -> Set:
    """corpus.jsonl[.gz], queries.jsonl, qrels.csv. Files with more in their name ("queries_train.jsonl") are taken
    when those are not there; so is a list of questions and answers. Raise BadFile."""
    if (directory / "faqs.jsonl").is_file():
        return _questions(directory)
    corpus = [_record(one) for one in _lines(_file(directory, "corpus", ".jsonl", ".jsonl.gz"))]
    asked = {str(one["_id"]): str(one["text"]) for one in _lines(_file(directory, "queries", ".jsonl"))}
    right: dict[str, dict[str, float]] = {}
    file = _file(directory, "qrels", ".csv", ".tsv")
    with file.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(
            csv.DictReader(lines, delimiter="\t" if file.suffix == ".tsv" else ","), 2
        ):
            try:
                query, record, score = (row[name] for name in ("query_id", "doc_id", "score"))
                if float(score) > 0:
                    right.setdefault(query, {})[record] = float(score)
            except (KeyError, TypeError, ValueError):
                raise BadFile(f"{file}, line {number}: write query_id,doc_id,score") from None
    known = {query: text for query, text in asked.items() if query in right}
    if not known or not corpus:
        raise BadFile(f"{directory}: none of its queries has a judged record")
    return Set(corpus, known, right)


def _questions(directory: Path) -> Set:
    corpus = [
        (str(one["_id"]), str(one["question"]), str(one["answer"]))
        for one in _lines(directory / "faqs.jsonl")
    ]
    asked = list(_lines(_file(directory, "queries", ".jsonl")))
    return Set(
        corpus,
        {str(one["_id"]): str(one["text"]) for one in asked},
        {str(one["_id"]): {str(one["faq"]): 1.0} for one in asked},
    )


def _record(one: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(one["_id"]), str(one.get("title") or ""), str(one.get("text") or "")


def _file(directory: Path, name: str, *endings: str) -> Path:
    exact = [directory / f"{name}{ending}" for ending in endings]
    like = [file for ending in endings for file in sorted(directory.glob(f"{name}_*{ending}"))]
    found = next((file for file in (*exact, *like) if file.is_file()), None)
    if found is None:
        raise BadFile(f"{directory} has no {name}{endings[0]}")
    return found


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                row = json.loads(line)
                if not isinstance(row, dict) or "_id" not in row:
                    raise BadFile(f'{file}, line {number}: write {{"_id": …, "text": …}}')
                yield row
    except (OSError, EOFError, ValueError) as error:
        raise BadFile(f"{file} cannot be read: {error}") from error


@asynccontextmanager
async def bare_runtime(**changes: Any) -> AsyncIterator[tuple[Runtime, EmbeddedPostgres]]:
    """Our own runtime over an embedded database that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-retrieval-") as directory:
        postgres = EmbeddedPostgres.start(Path(directory) / "postgres")
        try:
            migrate(postgres.owner_url)
            postgres.create_login()
            settings = Settings(
                postgres.url, None, Path(directory), "http://unused", ("measured in public view",), **changes
            )
            async with open_runtime(settings) as rt:
                yield rt, postgres
        finally:
            postgres.stop()


async def measure(given: Set) -> Figures:
    async with bare_runtime() as (rt, _):
        begun = time.perf_counter()
        workspace_id = await files.apply(rt, files.check(_BUSINESS, "retrieval", Path.cwd()))
        owners = await learn(rt, workspace_id, given.records)
        learnt_s = time.perf_counter() - begun
        await rt.knowledge.search(workspace_id, "warm up", BEST)
        found, times = {}, []
        for query, words in given.queries.items():
            begun = time.perf_counter()
            passages = await rt.knowledge.search(workspace_id, words, PASSAGES)
            times.append((time.perf_counter() - begun) * 1000)
            found[query] = list(dict.fromkeys(owners[one.id] for one in passages))[:BEST]
    return _figures(given, found, sorted(times), len(owners), learnt_s)


async def learn(rt: Runtime, workspace_id: UUID, records: Sequence[tuple[str, str, str]]) -> dict[UUID, str]:
    """Store and embed them; which record each passage is of."""
    owners: dict[UUID, str] = {}
    for start in range(0, len(records), TOGETHER):
        chunks: list[Chunk] = []
        of: list[str] = []
        for key, title, words in records[start : start + TOGETHER]:
            pieces = [one.text for one in chunk(words.replace("#", " "))] or [""]
            chunks += [Chunk(" ".join(title.split()), piece) for piece in pieces]
            of += [key] * len(pieces)
        async with rt.db.transaction(workspace_id) as tx:
            await knowledge.put(tx, f"records {start}", f"Records {start}", chunks)
            ids = await knowledge.passage_ids(tx, f"records {start}")
        owners |= dict(zip(ids, of, strict=True))
    worker = EmbeddingWorker(rt, workspace_id)
    for one in await worker.claim(1):
        await worker.work(one)
    return owners


def _figures(
    given: Set, found: Mapping[str, Sequence[str]], times: Sequence[float], passages: int, learnt_s: float
) -> Figures:
    count = len(given.queries)
    each = [(given.right[query], found[query]) for query in given.queries]
    return Figures(
        sum(ndcg(right, best) for right, best in each) / count,
        sum(len(set(best) & right.keys()) / len(right) for right, best in each) / count,
        sum(next((1 / n for n, one in enumerate(best, 1) if one in right), 0.0) for right, best in each) / count,
        times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)],
        count, len(given.records), passages, learnt_s,
    )  # fmt: skip


def ndcg(right: Mapping[str, float], best: Sequence[str]) -> float:
    """At ten. Järvelin and Kekäläinen 2002, with the gain itself, as trec_eval has it."""
    got = sum(right.get(one, 0.0) / math.log2(n + 1) for n, one in enumerate(best[:BEST], 1))
    ideal = sorted(right.values(), reverse=True)[:BEST]
    return got / sum(gain / math.log2(n + 1) for n, gain in enumerate(ideal, 1))


def _rows(data: Path) -> Iterator[Sequence[object]]:
    import asyncio

    for name in ("scifact", "stackfaq"):
        if (data / name).is_dir():
            found = asyncio.run(measure(read(data / name)))
            yield (
                name, found.records, found.passages, found.queries, found.ndcg, found.recall, found.mrr,
                round(found.p50_ms, 1), round(found.p99_ms, 1),
            )  # fmt: skip


SECTION = Section(
    "retrieval",
    "Retrieval",
    "Words (BM25 over postings) and meaning (all-MiniLM-L6-v2), fused with a weight that the question decides; "
    "`frontdesk eval retrieval DIR`. Times are of one whole search, the embedding of the question included. The fusion's "
    "numbers were chosen on these queries (SciFact's train split, half of StackFAQ's); the sets' others are untouched.",
    ("set", "records", "passages", "queries", "nDCG@10", "recall@10", "MRR@10", "p50 ms", "p99 ms"),
    _rows,
)
