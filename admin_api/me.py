"""Who asks: a key and what it stands for, or a person and the workspaces they are in."""

from typing import cast

from fastapi import APIRouter

from admin_api.auth import Admitted, Guarded, Here, needs
from admin_api.rights import Right
from admin_api.schemas import Me, MyAccount, MyWorkspace, NewName, Role
from domain.errors import NotPermitted
from store import accounts, members, workspaces
from store.accounts import Membership

router = APIRouter(route_class=Guarded, tags=["me"])


@router.get("/me")
async def me(here: Admitted) -> Me:
    """Of a key: its workspace, person, role and scopes. Of somebody signed in: the account, and every workspace that
    they are in; `workspace`, `person_id` and `role` are those of the one they have been in longest."""
    caller = here.caller
    own = Membership(caller.workspace_id, "", caller.person_id or caller.workspace_id, here.role)
    places = [await _workspace(here, one) for one in here.members or (own,)]
    role = cast(Role, here.role)
    return Me(
        key_id=caller.key_id, person_id=caller.person_id, role=role, scopes=list(caller.scopes),
        workspace=places[0], workspaces=places, account=await _account(here),
    )  # fmt: skip


@router.patch("/me")
@needs(Right.OWN)
async def rename(here: Admitted, wish: NewName) -> Me:
    """One's own name, in every workspace that one is in."""
    if here.claims is None:
        raise NotPermitted("a key has no name of its own to change; sign in")
    for one in here.members:
        async with here.rt.db.transaction(one.workspace_id) as tx:
            await members.rename(tx, one.person_id, wish.name)
    return await me(here)


async def _workspace(here: Here, one: Membership) -> MyWorkspace:
    async with here.rt.db.transaction(one.workspace_id) as tx:
        found = await workspaces.get(tx)
        person_id = here.caller.person_id if not here.members else one.person_id
        name = (await members.get(tx, person_id)).name if person_id else None
    identity = found.profile.workspace
    return MyWorkspace(
        id=found.id, slug=found.slug, name=identity.name, timezone=identity.timezone, role=cast(Role, one.role),
        person_id=person_id, person_name=name,
    )  # fmt: skip


async def _account(here: Here) -> MyAccount | None:
    if here.claims is None:
        return None
    async with here.rt.db.accounts() as found:
        account = await accounts.get(found, here.claims.account_id)
    return MyAccount(id=account.id, email=account.email)
