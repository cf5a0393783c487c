"""How a workspace that is made without a file begins: its slug, and what is in it from the first moment."""

import asyncio
import re
import secrets
import unicodedata
from collections.abc import Iterator

from domain.workspace import Hours, Identity, Profile
from runtime import packages
from runtime.files import WorkspaceFile
from store import knowledge, workspaces
from store.db import Tx


def slugs(wished: str | None, name: str) -> Iterator[str]:
    """The wished one only; or some that are made from the name, the plainest first."""
    if wished is not None:
        yield wished
        return
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-") or "workspace"
    yield base
    for _ in range(3):
        yield f"{base}-{secrets.token_hex(3)}"


async def plan(
    identity: Identity, package: str | None = None, hours: Hours | None = None, *, samples: bool = False
) -> WorkspaceFile:
    """An empty business, or one that begins with a package. Raise BadFile."""
    if package is None:
        return WorkspaceFile(Profile(workspace=identity, hours=hours or Hours()))
    begun = await asyncio.to_thread(packages.begin, package, identity, hours, samples=samples)
    return begun.file


async def found(tx: Tx, file: WorkspaceFile) -> None:
    """Inside `Database.found`. Raise Conflict when the slug is taken."""
    await workspaces.add(tx, file.profile)
    for one in file.documents:
        await knowledge.put(tx, one.source, one.title, one.chunks, one.original)
