"""Who a key stands for."""

from fastapi import APIRouter

from admin_api.auth import Admitted, Guarded
from admin_api.schemas import Me, MyWorkspace
from store import workspaces

router = APIRouter(route_class=Guarded, tags=["me"])


@router.get("/me")
async def me(here: Admitted) -> Me:
    """The key's own workspace, person, role and scopes."""
    async with here.transaction() as tx:
        workspace = await workspaces.get(tx)
    caller, identity = here.caller, workspace.profile.workspace
    own = MyWorkspace(id=workspace.id, slug=workspace.slug, name=identity.name, timezone=identity.timezone)
    return Me.model_validate(
        {
            "key_id": caller.key_id,
            "person_id": caller.person_id,
            "role": caller.role,
            "scopes": caller.scopes,
            "workspace": own,
        }
    )
