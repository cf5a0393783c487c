"""The workspace as its YAML file: out, and in again. Credentials never leave; documents have addresses of their own."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from admin_api import shaping, versions
from admin_api.auth import Admitted, guarded, needs
from admin_api.rights import Right
from admin_api.schemas import Sent
from admin_api.versions import IfMatch
from domain.errors import FieldError, Invalid
from runtime import changes, export, files
from store import audit, workspaces
from store.refitting import told

router = APIRouter(route_class=guarded(write=Right.CONFIGURE), tags=["workspaces"])


class File(Sent):
    yaml: Annotated[str, Field(min_length=1, max_length=60_000)] = Field(description="The whole file.")
    dry_run: bool = Field(False, description="Only say what would change.")


class Imported(BaseModel):
    changes: list[str] = Field(description="One line each; empty: it was so already.")
    could_not_keep: list[str] = Field(
        description="What open conversations had and the file's schemas do not take, one line a field and reason."
    )
    notices: list[str]
    version: int


@router.get("/export", response_class=Response, responses={200: {"content": {"application/yaml": {}}}})
@needs(Right.CONFIGURE)
async def export_(here: Admitted) -> Response:
    """The same workspace gives the same bytes."""
    async with here.transaction() as tx:
        found = await workspaces.get(tx)
    headers = {
        "ETag": versions.etag(found.version),
        "Content-Disposition": f'attachment; filename="{found.slug}.yaml"',
    }
    return Response(export.text(found.profile), 200, headers, "application/yaml")


@router.post("/import")
async def import_(here: Admitted, wish: File, response: Response, if_match: IfMatch = None) -> Imported:
    """All of it, or nothing: each mistake with its line, its path and what would be right. Documents stay as they are."""
    shaping.check_readable(wish.yaml, "/yaml")
    async with here.transaction() as tx:
        await workspaces.hold(tx)
        before = await workspaces.get(tx)
        if not versions.is_current(if_match, before.version):
            raise versions.stale(before.version)
        try:
            file = files.read_text(wish.yaml, "import.yaml", before.profile)
        except files.BadFile as error:
            wrong = [FieldError("/yaml", mistake) for mistake in error.mistakes]
            raise Invalid("the file is not valid; nothing was changed", errors=wrong) from None
        lost = list[str]()
        lines = await changes.between(tx, file, documents=False)
        if lines and not wish.dry_run:
            who = here.caller
            unkept = await files.put(tx, file, {}, actor=who.actor, person_id=who.person_id, documents=False)
            lost = list(told(unkept))
            paths = changes.paths(before.profile, file.profile)
            version = (await workspaces.get(tx)).version
            await audit.add(
                tx,
                here.caller.actor,
                "workspace_changed",
                "workspace",
                tx.workspace_id,
                version=version,
                paths=paths,
            )
        found = await workspaces.get(tx)
    response.headers["ETag"] = versions.etag(found.version)
    return Imported(changes=lines, could_not_keep=lost, notices=list(file.notices), version=found.version)
