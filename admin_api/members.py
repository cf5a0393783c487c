"""The people of a workspace, and invitations to it."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from admin_api import once, pagination
from admin_api.auth import Admitted, Here, guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.schemas import Moment, Role, Sent, Told
from admin_api.sign_in import Email, PersonName
from domain.errors import NotPermitted
from store import audit, members

router = APIRouter(prefix="/members", route_class=guarded(write=Right.PEOPLE), tags=["members"])
invitations = APIRouter(
    prefix="/invitations", route_class=guarded(read=Right.PEOPLE, write=Right.PEOPLE), tags=["invitations"]
)


class Member(Told):
    id: UUID
    role: Role
    state: Literal["active", "disabled"]
    name: str | None
    email: str | None
    signs_in: bool = Field(description="False: they act through keys only.")
    created_at: Moment


class MemberChange(Sent):
    role: Role | None = None
    state: Literal["active", "disabled"] | None = Field(
        None, description="Who is disabled may do nothing, from this moment: not signed in, not by a key."
    )
    name: PersonName | None = None


class NewInvitation(Sent):
    email: Email
    role: Role = "agent"
    expires_in_hours: Annotated[int, Field(ge=1, le=720)] = 168


class Invitation(Told):
    id: UUID
    email: str
    role: Role
    state: Literal["open", "accepted", "revoked", "expired"]
    invited_by: UUID | None
    person_id: UUID | None
    created_at: Moment
    expires_at: Moment


class InvitationMade(Invitation):
    token: str = Field(description="Shown this once; give it to the person who is invited.")
    accept_url: str = Field(description="Where the token is sent by POST, with a password.")


@router.get("")
async def listed(here: Admitted, limit: Limit = LIMIT, cursor: Cursor = None) -> Page[Member]:
    """The longest here first."""
    after = pagination.read_id("members", cursor)
    async with here.transaction() as tx:
        rows = await members.page(tx, after, limit + 1)
    return pagination.page(
        rows, limit, Member.model_validate, lambda row: pagination.write("members", row.id)
    )


@router.get("/{person_id}")
async def one(here: Admitted, person_id: UUID) -> Member:
    """One of them."""
    async with here.transaction() as tx:
        return Member.model_validate(await members.get(tx, person_id))


@router.patch("/{person_id}")
async def change(here: Admitted, person_id: UUID, wish: MemberChange) -> Member:
    """Role, state, name. Owners are changed, and made, by owners; the last one stays (`last_owner`)."""
    async with here.transaction() as tx:
        before = await members.get(tx, person_id)
        role, state = wish.role or before.role, wish.state or before.state
        if "owner" in (before.role, role):
            _check_owners(here)
        after = await members.change(tx, person_id, role=role, state=state, name=wish.name or before.name)
        if (before.role, before.state) != (role, state):
            told = {"role": role, "state": state, "was_role": before.role, "was_state": before.state}
            await audit.add(tx, here.caller.actor, "member_changed", "person", person_id, **told)
        elif before.name != after.name:
            await audit.add(tx, here.caller.actor, "member_renamed", "person", person_id)
    return Member.model_validate(after)


def _check_owners(here: Here) -> None:
    if not here.may(Right.OWNERS):
        raise NotPermitted("only an owner may make, change or disable an owner")


# --- invitations ---


@invitations.get("")
async def open_ones(here: Admitted, limit: Limit = LIMIT, cursor: Cursor = None) -> Page[Invitation]:
    """The newest first."""
    before = pagination.read_id("invitations", cursor)
    async with here.transaction() as tx:
        rows = await members.invitations(tx, before, limit + 1)
    return pagination.page(
        rows, limit, Invitation.model_validate, lambda row: pagination.write("invitations", row.id)
    )


@invitations.post("", status_code=201, response_model=InvitationMade)
async def invite(here: Admitted, wish: NewInvitation, key: once.Key = None) -> Response:
    """The token is shown once; an open invitation to the same address is replaced. Nothing is sent by e-mail."""
    if wish.role == "owner":
        _check_owners(here)

    async def make() -> InvitationMade:
        lasts = timedelta(hours=wish.expires_in_hours)
        made, token = await members.invite(tx, wish.email, wish.role, here.caller.person_id, lasts)
        await audit.add(tx, here.caller.actor, "person_invited", "invitation", made.id, role=wish.role)
        told = Invitation.model_validate(made).model_dump()
        url = f"{here.rt.settings.public_url}/api/v1/auth/invitations/accept"
        return InvitationMade(**told, token=token, accept_url=url)

    async with here.transaction() as tx:
        return await once.answer(tx, once.asked(key, "POST invitations", wish), 201, make)


@invitations.get("/{invitation_id}")
async def one_invitation(here: Admitted, invitation_id: UUID) -> Invitation:
    """Without its token."""
    async with here.transaction() as tx:
        return Invitation.model_validate(await members.invitation(tx, invitation_id))


@invitations.delete("/{invitation_id}")
async def revoke(here: Admitted, invitation_id: UUID) -> Invitation:
    """Its token is worth nothing from now on."""
    async with here.transaction() as tx:
        before = await members.invitation(tx, invitation_id)
        after = await members.revoke(tx, invitation_id)
        if before.state != after.state:
            await audit.add(tx, here.caller.actor, "invitation_revoked", "invitation", invitation_id)
    return Invitation.model_validate(after)
