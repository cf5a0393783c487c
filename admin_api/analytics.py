"""Figures: what contexts hold and where it came from, and what rules did. Counts only, no customer's words."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from admin_api import shaping
from admin_api.auth import Admitted, Guarded
from admin_api.schemas import Moment
from store import contexts, ruling, workspaces
from store.parts import Kind

router = APIRouter(prefix="/analytics", route_class=Guarded, tags=["analytics"])

Days = Annotated[int, Query(ge=1, le=366, description="How far back.")]


class Source(BaseModel):
    source: str
    values: int
    confidence: float


class FieldFigures(BaseModel):
    field: str
    in_schema: bool
    conversations: int
    sources: list[Source]


class StatusFigures(BaseModel):
    status: str | None
    conversations: int


class ContextFigures(BaseModel):
    since: Moment
    fields: list[FieldFigures]
    statuses: list[StatusFigures]


class RuleFigures(BaseModel):
    rule: str
    exists: bool
    times: int
    conversations: int
    last_at: Moment | None


class RulesFigures(BaseModel):
    since: Moment
    rules: list[RuleFigures]


@router.get("/context")
async def context(here: Admitted, days: Days = 30) -> ContextFigures:
    """How often each field was filled and by whom, and how many conversations are in each status."""
    async with here.transaction() as tx:
        since = tx.now - timedelta(days=days)
        profile = (await workspaces.get(tx)).profile
        rows, statuses = await contexts.statistics(tx, since), await contexts.statuses(tx, since)
    known = list(dict.fromkeys(field.name for schema in profile.schemas for field in schema.fields))
    names = [*known, *sorted({row.field for row in rows} - set(known))]
    figures = []
    for name in names:
        own = [row for row in rows if row.field == name]
        sources = [Source(source=r.source, values=r.values, confidence=round(r.confidence, 3)) for r in own]
        total = sum(row.conversations for row in own)
        figures.append(
            FieldFigures(field=name, in_schema=name in known, conversations=total, sources=sources)
        )
    told = [StatusFigures(status=row.status or None, conversations=row.conversations) for row in statuses]
    return ContextFigures(since=since, fields=figures, statuses=told)


@router.get("/rules")
async def rules(here: Admitted, days: Days = 30) -> RulesFigures:
    """How often each rule did something; those that did nothing too."""
    async with here.transaction() as tx:
        since = tx.now - timedelta(days=days)
        known = await shaping.standing(tx, Kind.RULE)
        rows = {row.rule: row for row in await ruling.counts(tx, since)}
    return RulesFigures(
        since=since,
        rules=[
            RuleFigures(
                rule=name, exists=name in known, times=rows[name].times if name in rows else 0,
                conversations=rows[name].conversations if name in rows else 0,
                last_at=rows[name].last_at if name in rows else None,
            )
            for name in [*known, *sorted(rows.keys() - known.keys())]
        ],
    )  # fmt: skip
