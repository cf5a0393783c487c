"""Requests that may come twice and must happen once: `Idempotency-Key`."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated

from fastapi import Header, Response
from pydantic import BaseModel

from store import idempotency
from store.db import Tx
from store.idempotency import Answered, Asked

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,255}$",
        description="Any string of your own. The same request with the same key within 24 hours is done once, and"
        " answered the same each time.",
    ),
]


def asked(key: str | None, route: str, body: BaseModel | None) -> Asked | None:
    """`route` names the verb and the thing. The body counts by its meaning, not by its spaces."""
    if key is None:
        return None
    return Asked(key, route, sha256(body.model_dump_json().encode() if body else b"").digest())


async def answer(
    tx: Tx, request: Asked | None, status: int, effect: Callable[[], Awaitable[BaseModel]]
) -> Response:
    """Do it, and keep the answer in the same transaction; or answer as before."""
    before = await idempotency.begin(tx, request) if request else None
    if before is not None:
        return _response(before, {"Idempotency-Replayed": "true"})
    answered = Answered(status, (await effect()).model_dump_json())
    if request is not None:
        await idempotency.keep(tx, request, answered)
    return _response(answered, {})


def _response(answered: Answered, headers: dict[str, str]) -> Response:
    return Response(answered.body, answered.status, headers, "application/json")
