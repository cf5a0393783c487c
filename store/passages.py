"""Finding passages: by their words, through postings, and by their vectors. Everything here sees one workspace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from store.db import Tx

K1, B = 1.2, 0.75
"""BM25's two numbers, as Robertson and Lucene have them."""
GRAPHS = (384, 1536)
"""Dimensions for which there is a graph of neighbours; others are always searched in full."""
EF = 100
"""How widely the graph is searched: 0.99 of the exact ten nearest of 100,000."""

# Sets how the rest of the transaction searches: a plan that reads the whole table asks each row whose it is, at the
# price of looking at its vector.
_ASKED = text(
    "with asked as (select unnest(tsvector_to_array(to_tsvector('english', :question))) collate \"C\" as term)"
    " select r.*, s.version, s.model, s.ann from ("
    "  select a.term, coalesce(l.passages, 0) as passages, coalesce(l.words, 0) as words from asked a"
    "  left join lexeme l on l.workspace_id = frontdesk_workspace() and l.term = a.term"
    "  union all select '', passages, words from lexeme where workspace_id = frontdesk_workspace() and term = '') r"
    " left join knowledge_state s on s.workspace_id = frontdesk_workspace(),"
    " (select set_config('enable_seqscan', 'off', true), set_config('hnsw.ef_search', :ef, true),"
    "  set_config('hnsw.iterative_scan', 'strict_order', true)) as aim"
)
# Each word's postings are asked for by themselves (`offset 0` keeps the planner from turning that round), so that the
# whole key of the index is used whatever the statistics say.
_BY_WORDS = (
    "held as materialized ("
    " select p.nr, sum(q.idf * p.tf * (:k1 + 1) / (p.tf + :k1 * (1 - :b + :b * p.words / :average))) as held"
    " from unnest(cast(:rare as text[]), cast(:rare_idf as real[])) as q (term, idf), lateral ("
    "  select nr, tf, words from posting where workspace_id = frontdesk_workspace()"
    '  and term = q.term collate "C" offset 0) p group by p.nr),'
    " words as materialized (select nr, held from held order by held desc, nr limit :many)"
)
_EXACT = (
    "near as materialized (select e.nr, -(e.vector <#> cast(:vector as halfvec)) as similarity from embedding e"
    " where e.workspace_id = frontdesk_workspace() and e.model = :model order by similarity desc, e.nr limit :many)"
)
_GRAPH = (
    "near as materialized (select e.nr, -(e.vector::halfvec(SIZE) <#> cast(:vector as halfvec(SIZE))) as similarity"
    " from embedding e where e.ann and e.dimensions = SIZE and e.workspace_id = frontdesk_workspace()"
    " and e.model = :model order by e.vector::halfvec(SIZE) <#> cast(:vector as halfvec(SIZE)) limit :many)"
)
# The other half of each score, for all that was found at once: one walk through the index a word, not one a passage.
_SCORED = (
    " found as materialized (select nr from near union select nr from words),"
    " far as materialized (select e.nr, -(e.vector <#> cast(:vector as halfvec)) as similarity from embedding e"
    "  where e.workspace_id = frontdesk_workspace() and e.model = :model"
    "  and e.nr = any(array(select nr from words except select nr from near))),"
    " more as materialized ("
    "  select p.nr, sum(q.idf * p.tf * (:k1 + 1) / (p.tf + :k1 * (1 - :b + :b * p.words / :average))) as held"
    "  from unnest(cast(:common as text[]), cast(:common_idf as real[])) as q (term, idf), lateral ("
    "   select nr, tf, words from posting where workspace_id = frontdesk_workspace()"
    '    and term = q.term collate "C" and nr = any(array(select nr from found)) offset 0) p group by p.nr)'
    " select f.nr, n.similarity as near, far.similarity as far, coalesce(h.held, 0) + coalesce(m.held, 0) as held"
    " from found f left join near n on n.nr = f.nr left join far on far.nr = f.nr"
    " left join held h on h.nr = f.nr left join more m on m.nr = f.nr"
)
_WORDS_ONLY = text(f"with {_BY_WORDS} select nr, null as near, null as far, held from words")  # noqa: S608
_EXACTLY = text(f"with {_BY_WORDS}, {_EXACT},{_SCORED}")
_BY_GRAPH = {
    size: text(f"with {_BY_WORDS}, {_GRAPH},{_SCORED}".replace("SIZE", str(size))) for size in GRAPHS
}
_READ = text(
    "select p.nr, p.id, d.title, p.heading, p.text, tsvector_to_array(p.lexemes) as lexemes from passage p"
    " join document d on d.workspace_id = p.workspace_id and d.id = p.document_id where p.nr = any(:numbers)"
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the workspace's knowledge is: `spread` says in how many passages each of the question's words stands."""

    spread: Mapping[str, int]
    passages: int
    average: float
    """Words of a passage."""
    version: int = 0
    model: str | None = None
    """Whose vectors serve; None: nobody's yet."""
    ann: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """`similarity` is a cosine; None where there is no vector. `held` is BM25."""

    nr: int
    similarity: float | None
    held: float


@dataclass(frozen=True, slots=True)
class Found:
    nr: int
    id: UUID
    title: str
    heading: str
    text: str
    lexemes: frozenset[str]


async def shelf(tx: Tx, question: str) -> Shelf:
    """The question's words as Postgres reads English, stop words left out, and what is known of them. Before `search`,
    in the same transaction."""
    rows = (await tx.execute(_ASKED, {"question": question, "ef": str(EF)})).all()
    spread = {row.term: int(row.passages) for row in rows if row.term}
    whole = next((row for row in rows if not row.term), None)
    if whole is None:
        return Shelf(spread, 0, 1.0)
    count = int(whole.passages)
    average = float(whole.words) / count if count else 1.0
    return Shelf(spread, count, average or 1.0, whole.version or 0, whole.model, bool(whole.ann))


@dataclass(frozen=True, slots=True)
class Asked:
    """What to look for. `rare` are the words whose every passage is looked at; the others only add to the score of
    passages that were found."""

    weights: Mapping[str, float]
    rare: Sequence[str]
    vector: Sequence[float] | None
    model: str = ""
    graph: bool = False
    many: int = EF


async def search(tx: Tx, asked: Asked, average: float) -> list[Hit]:
    """The nearest and the best by words, each with both scores."""
    rare = list(asked.rare)
    common = [term for term in asked.weights if term not in set(rare)]
    values = {
        "rare": rare, "rare_idf": [asked.weights[term] for term in rare], "many": asked.many, "k1": K1, "b": B,
        "average": average,
    }  # fmt: skip
    if asked.vector is None:
        return [_hit(row) for row in await tx.execute(_WORDS_ONLY, values)]
    values |= {"common": common, "common_idf": [asked.weights[term] for term in common]}
    values |= {"vector": as_halfvec(asked.vector), "model": asked.model}
    size = len(asked.vector)
    if asked.graph and size in _BY_GRAPH:
        return [_hit(row) for row in await tx.execute(_BY_GRAPH[size], values)]
    return [_hit(row) for row in await tx.execute(_EXACTLY, values)]


def _hit(row: object) -> Hit:
    near, far = getattr(row, "near", None), getattr(row, "far", None)
    similarity = near if near is not None else far
    return Hit(row.nr, None if similarity is None else float(similarity), float(row.held or 0.0))  # type: ignore[attr-defined]


async def read(tx: Tx, numbers: Sequence[int]) -> dict[int, Found]:
    rows = await tx.execute(_READ, {"numbers": list(numbers)})
    return {
        row.nr: Found(row.nr, row.id, row.title, row.heading, row.text, frozenset(row.lexemes))
        for row in rows
    }


def as_halfvec(vector: Sequence[float]) -> str:
    return "[" + ",".join(f"{one:.5g}" for one in vector) + "]"
