"""Signing in: register, log in, refresh, log out, change the password, accept an invitation.

What is answered holds no hint at which addresses have an account: wrong, unknown and disabled look the same, cost the
same work and are counted the same. Only registering says that an address is taken, as it must.
"""

import logging
import re
import unicodedata
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from limits import RateLimitItemPerMinute
from pydantic import AfterValidator, BaseModel, Field, SecretStr, ValidationError

from admin_api import limits, once, tokens
from admin_api.auth import Admitted, Doorkeeper, Guarded, Here, Open, address, needs
from admin_api.rights import Right
from admin_api.schemas import Moment, Sent
from admin_api.tokens import Claims
from domain import passwords, zones
from domain.errors import Conflict, FieldError, Invalid, NotFound, NotPermitted, Unauthenticated
from domain.workspace import Hours, Identity, Name, Slug
from runtime import founding, mistakes, packages
from runtime.files import WorkspaceFile
from runtime.passwords import Passwords
from runtime.runtime import Runtime
from store import accounts, audit, members, workspaces
from store.accounts import Account, Membership, Refused, Session
from store.db import Tx, new_id
from store.members import Invitation

logger = logging.getLogger(__name__)
router = APIRouter(prefix="/auth", route_class=Open, tags=["auth"])

FROM_ONE_PLACE = RateLimitItemPerMinute(10, 15, namespace="frontdesk")
FROM_EVERYWHERE = RateLimitItemPerMinute(100, 15, namespace="frontdesk")
"""Attempts at one account: whoever guesses elsewhere does not shut its owner out."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


def _email(told: str) -> str:
    told = unicodedata.normalize("NFC", told.strip())
    if not _EMAIL.fullmatch(told) or not told.isprintable():
        raise ValueError("it is not an e-mail address; write it like olive@example.com")
    return told.lower()


def _zone(told: str) -> str:
    if not zones.is_known(told):
        raise ValueError("it is not an IANA time zone; write for example America/Chicago")
    return told


def _package(told: str) -> str:
    if told not in packages.names():
        raise ValueError(f"there is no such package; there are {', '.join(packages.names())}")
    return told


def _hours(told: dict[str, str | None]) -> dict[str, str | None]:
    try:
        Hours.model_validate(told)
    except ValidationError as error:
        raise ValueError(mistakes.said(error.errors()[0])) from None
    return told


def _readable(told: str) -> str:
    if not told.isprintable() or not told.strip():
        raise ValueError("it must be a name that can be read, on one line")
    return told.strip()


Email = Annotated[str, Field(min_length=3, max_length=254), AfterValidator(_email)]
PersonName = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_readable)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=1024)]
Token = Annotated[SecretStr, Field(min_length=1, max_length=500)]


class NewWorkspace(Sent):
    name: Annotated[Name, AfterValidator(_readable)]
    slug: Slug | None = Field(
        None, description="Its short name in addresses; made from the name when not given."
    )
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    industry: Annotated[str, Field(min_length=1, max_length=60)] = "general"
    package: Annotated[str, AfterValidator(_package)] | None = Field(
        None,
        description="What it begins with: one of GET /packages. Everything in it is the business's own then.",
    )
    hours: Annotated[dict[str, str | None], AfterValidator(_hours)] | None = Field(
        None, description='Such as {"mon-fri": "09:00-17:00", "sat": "closed"}; else those of the package.'
    )
    samples: bool = Field(
        False,
        description="With the package's documents: the prices and addresses of a business that is not this one.",
    )

    async def plan(self, slug: str) -> WorkspaceFile:
        """The business that is wished for, under this slug."""
        identity = Identity(slug=slug, name=self.name, timezone=self.timezone, industry=self.industry)
        hours = Hours.model_validate(self.hours) if self.hours is not None else None
        return await founding.plan(identity, self.package, hours, samples=self.samples)


class Registration(Sent):
    email: Email
    password: Password = Field(
        description=f"At least {passwords.LEAST} characters, and not one of those tried first."
    )
    name: PersonName
    workspace: NewWorkspace


class Credentials(Sent):
    email: Annotated[str, Field(min_length=1, max_length=254)]
    password: Password


class RefreshToken(Sent):
    refresh_token: Token


class MaybeRefreshToken(Sent):
    refresh_token: Token | None = None


class NewPassword(Sent):
    current_password: Password
    new_password: Password


class InvitationToken(Sent):
    token: Token


class Acceptance(InvitationToken):
    password: Password = Field(
        description="Of the account with the invited address; if there is none, its first."
    )
    name: PersonName | None = None


class Place(BaseModel):
    """A workspace that the account is in."""

    id: UUID
    slug: str
    role: str
    person_id: UUID


class SignedIn(BaseModel):
    """The access token goes into `Authorization: Bearer`; the refresh token is exchanged before it expires."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105  (the scheme's name)
    expires_in: int
    refresh_token: str
    refresh_expires_at: Moment
    account_id: UUID
    email: str
    workspaces: list[Place]


class Invited(BaseModel):
    email: str
    role: str
    workspace: str
    expires_at: Moment
    has_account: bool


# --- register, log in, refresh, log out ---


@router.post("/register", status_code=201, responses={403: {"description": "Registration is closed."}})
async def register(
    request: Request, response: Response, wish: Registration, key: once.Key = None
) -> SignedIn:
    """A new account with a workspace of its own, as its owner, signed in. The same request with the same
    `Idempotency-Key` makes one account and is signed in to it again."""
    rt, door = _rt(request), _door(request)
    if not rt.settings.registration:
        raise NotPermitted("registration is closed here; ask for an invitation", code="registration_closed")
    _check_password(wish.password, "/password", (wish.email, wish.name, wish.workspace.name))
    made_with = _digest(key, wish)
    async with rt.db.accounts() as found:
        before = await accounts.by_email(found, wish.email)
    if before is not None:
        return await _registered_before(request, response, before, wish.password, made_with)
    hashed = await _passwords(request).hash(wish.password.get_secret_value())
    try:
        session = await _found(rt, wish, hashed, made_with)
    except Conflict as error:
        async with rt.db.accounts() as found:
            before = await accounts.by_email(found, wish.email)
        if error.code != "email_taken" or before is None:
            raise
        return await _registered_before(request, response, before, wish.password, made_with)  # a moment ago
    return await _answer(rt, door, session)


async def _registered_before(
    request: Request, response: Response, before: Account, password: SecretStr, made_with: bytes | None
) -> SignedIn:
    taken = Conflict(
        "there is an account with this e-mail address; sign in", code="email_taken",
        errors=[FieldError("/email", "there is an account with this e-mail address")],
    )  # fmt: skip
    if made_with is None or before.made_with != made_with:
        raise taken
    await _count_attempt(request, before.email)
    if not await _passwords(request).check(before.password, password.get_secret_value()):
        raise taken
    response.headers["Idempotency-Replayed"] = "true"
    async with _rt(request).db.accounts() as found:
        session = await accounts.open_session(found, before.id)
    return await _answer(_rt(request), _door(request), session)


async def _found(rt: Runtime, wish: Registration, hashed: str, made_with: bytes | None) -> Session:
    """Account, workspace and owner together, or none of them."""
    told = wish.workspace
    for slug in founding.slugs(told.slug, told.name):
        planned = await told.plan(slug)
        try:
            async with rt.db.found(new_id()) as tx:
                await founding.found(tx, planned)
                async with rt.db.accounts_within(tx) as found:
                    account_id = await accounts.add(found, wish.email, hashed, made_with)
                    session = await accounts.open_session(found, account_id)
                person_id = await members.join(tx, account_id, wish.email, "owner", wish.name)
                await _begun(tx, person_id)
                return session
        except Conflict as error:
            if error.code != "slug_taken" or told.slug is not None:
                raise _below_workspace(error) from None
    raise Conflict("no free slug was found for this name; choose one", code="slug_taken")


def _below_workspace(error: Conflict) -> Conflict:
    moved = [FieldError(f"/workspace{one.pointer}", one.detail) for one in error.errors]
    return Conflict(error.detail, code=error.code, errors=moved)


async def _begun(tx: Tx, person_id: UUID) -> None:
    await audit.add(tx, f"person:{person_id}", "workspace_created", "workspace", tx.workspace_id)


@router.post("/login")
async def login(request: Request, sent: Credentials) -> SignedIn:
    """With e-mail address and password. After ten attempts from one place within 15 minutes, 429."""
    rt, email = _rt(request), unicodedata.normalize("NFC", sent.email.strip()).lower()
    forget = await _count_attempt(request, email)
    async with rt.db.accounts() as found:
        account = await accounts.by_email(found, email)
    right = await _passwords(request).check(
        account.password if account else None, sent.password.get_secret_value()
    )
    if account is None or not right or not account.active:
        raise _wrong()
    async with rt.db.accounts() as found:
        if not await accounts.memberships(found, account.id):
            raise _wrong()
        session = await accounts.open_session(found, account.id)
    await forget()
    await _renew_hash(request, account, sent.password)
    return await _answer(rt, _door(request), session)


@router.post("/refresh")
async def refresh(request: Request, sent: RefreshToken) -> SignedIn:
    """A new access token, and the refresh token that replaces this one. The same one sent twice within ten seconds is
    answered with the same successor; later it is in two hands, and the sign-in ends for both (`token_reused`)."""
    rt = _rt(request)
    async with rt.db.accounts() as found:
        session = await accounts.refresh(found, sent.refresh_token.get_secret_value())
    if session is Refused.REUSED:
        logger.warning(
            "a refresh token was used again, its session has ended; request %s", request.state.request_id
        )
        raise Unauthenticated("this refresh token was used before; sign in again", code="token_reused")
    if isinstance(session, Refused):
        raise Unauthenticated("this refresh token is not valid; sign in again")
    return await _answer(rt, _door(request), session)


@router.post("/logout", status_code=204, response_model=None)
async def logout(request: Request, sent: MaybeRefreshToken | None = None) -> Response:
    """End the sign-in that this refresh token, or the access token in the header, comes from: all its tokens."""
    rt, token = _rt(request), sent.refresh_token if sent else None
    by_header = None
    if token is None:
        by_header = (await _door(request).admit(request, Right.OWN)).claims
        if by_header is None:
            raise NotPermitted("a key is not signed in; revoke it instead")
    async with rt.db.accounts() as found:
        named = await accounts.session_of(found, token.get_secret_value()) if token else None
        session_id = by_header.session_id if by_header else named
        if session_id is not None:
            await accounts.end(found, session_id, "logged_out")
    return Response(status_code=204)


# --- the password ---


async def change_password(request: Request, here: Admitted, sent: NewPassword) -> SignedIn:
    """Everything that was signed in with the old one ends; this answer is signed in with the new one."""
    rt, claims = here.rt, _claims(here)
    async with rt.db.accounts() as found:
        account = await accounts.get(found, claims.account_id)
    forget = await _count_attempt(request, account.email)
    if not await _passwords(request).check(account.password, sent.current_password.get_secret_value()):
        wrong = FieldError("/current_password", "it is not the password of this account")
        raise Invalid("the current password is wrong", code="wrong_password", errors=[wrong])
    _check_password(sent.new_password, "/new_password", (account.email,))
    hashed = await _passwords(request).hash(sent.new_password.get_secret_value())
    async with rt.db.accounts() as found:
        await accounts.set_password(found, account.id, hashed)
        session = await accounts.open_session(found, account.id)
    await forget()
    return await _answer(rt, _door(request), session)


def _claims(here: Here) -> Claims:
    if here.claims is None:
        raise NotPermitted("a key has no password; sign in")
    return here.claims


# --- invitations ---


@router.post("/invitations/look")
async def look(request: Request, sent: InvitationToken) -> Invited:
    """What the invitation is to, for the page that asks for a password."""
    rt = _rt(request)
    workspace_id, invitation_id, secret = await _find_invitation(rt, sent.token)
    async with rt.db.transaction(workspace_id) as tx:
        held = await members.hold_invitation(tx, invitation_id, secret)
        name = (await workspaces.get(tx)).profile.workspace.name
    async with rt.db.accounts() as found:
        known = await accounts.by_email(found, held.email) is not None
    return Invited(
        email=held.email, role=held.role, workspace=name, expires_at=held.expires_at, has_account=known
    )


@router.post("/invitations/accept", status_code=201)
async def accept(request: Request, sent: Acceptance) -> SignedIn:
    """Become who the invitation says, signed in. Whoever has an account with the invited address gives its password;
    else the password given becomes the account's."""
    rt = _rt(request)
    workspace_id, invitation_id, secret = await _find_invitation(rt, sent.token)
    async with rt.db.transaction(workspace_id) as tx:
        held = await members.hold_invitation(tx, invitation_id, secret)
    async with rt.db.accounts() as found:
        account = await accounts.by_email(found, held.email)
    hashed = await _prove(request, account, held, sent)
    async with rt.db.transaction(workspace_id) as tx:
        held = await members.hold_invitation(tx, invitation_id, secret)
        async with rt.db.accounts_within(tx) as found:
            account_id = account.id if account else await accounts.add(found, held.email, hashed)
            session = await accounts.open_session(found, account_id)
        person_id = await members.join(tx, account_id, held.email, held.role, sent.name)
        await members.accepted(tx, invitation_id, person_id)
        await audit.add(
            tx, f"person:{person_id}", "invitation_accepted", "invitation", invitation_id, role=held.role
        )
    return await _answer(rt, _door(request), session)


async def _prove(request: Request, account: Account | None, held: Invitation, sent: Acceptance) -> str:
    """That they may use the account; its hash, or that of the new one."""
    if account is None:
        _check_password(sent.password, "/password", (held.email, sent.name or ""))
        return await _passwords(request).hash(sent.password.get_secret_value())
    forget = await _count_attempt(request, held.email)
    if (
        not await _passwords(request).check(account.password, sent.password.get_secret_value())
        or not account.active
    ):
        raise _wrong()
    await forget()
    return account.password


async def _find_invitation(rt: Runtime, token: SecretStr) -> tuple[UUID, UUID, str]:
    """(workspace, invitation, secret). Raise NotFound."""
    read = members.read_token(token.get_secret_value())
    if read is not None:
        async with rt.db.dispatch() as dispatch:
            workspace_id = await members.workspace_of_invitation(dispatch, read[0])
        if workspace_id is not None:
            return workspace_id, *read
    raise NotFound("this invitation is not valid", code="invitation_invalid")


# --- what they share ---


async def _answer(rt: Runtime, door: Doorkeeper, session: Session) -> SignedIn:
    async with rt.db.accounts() as found:
        account = await accounts.get(found, session.account_id)
        places = await accounts.memberships(found, session.account_id)
        expires_at = found.now + tokens.LASTS
    if not places:
        raise Unauthenticated("this account is in no workspace any more")
    claims = Claims(account.id, session.id, account.token_version, expires_at)
    return SignedIn(
        access_token=door.sign(claims),
        expires_in=int(tokens.LASTS.total_seconds()),
        refresh_token=session.refresh_token,
        refresh_expires_at=session.expires_at,
        account_id=account.id,
        email=account.email,
        workspaces=[place(one) for one in places],
    )


def place(one: Membership) -> Place:
    return Place(id=one.workspace_id, slug=one.slug, role=one.role, person_id=one.person_id)


async def _count_attempt(request: Request, email: str) -> Callable[[], Awaitable[None]]:
    """Whether or not there is such an account. Returns what to call when it was the right password. Raise TooMany."""
    counted: limits.Limits = request.app.state.limits
    async with _rt(request).db.accounts() as found:
        who = found.vault.hash("sign_in", email).hex()
    here = f"{who} {address(request)}"
    for rate, name in ((FROM_ONE_PLACE, here), (FROM_EVERYWHERE, who)):
        allowed, window = await counted.take("sign_in", name, rate)
        if not allowed:
            raise limits.too_many(window)

    async def forget() -> None:
        await counted.forget("sign_in", here, FROM_ONE_PLACE)

    return forget


async def _renew_hash(request: Request, account: Account, password: SecretStr) -> None:
    if _passwords(request).is_old(account.password):
        hashed = await _passwords(request).hash(password.get_secret_value())
        async with _rt(request).db.accounts() as found:
            await accounts.rehash(found, account, hashed)


def _check_password(password: SecretStr, pointer: str, context: tuple[str, ...]) -> None:
    wrong = passwords.weakness(password.get_secret_value(), context)
    if wrong is not None:
        raise Invalid("this password is too weak", code="weak_password", errors=[FieldError(pointer, wrong)])


def _digest(key: str | None, wish: Registration) -> bytes | None:
    """What was asked for, without the password."""
    if key is None:
        return None
    return sha256(f"{key}\0{wish.model_dump_json(exclude={'password'})}".encode()).digest()


def _wrong() -> Unauthenticated:
    return Unauthenticated("the e-mail address or the password is wrong", code="invalid_credentials")


def _rt(request: Request) -> Runtime:
    found: Runtime = request.app.state.rt
    return found


def _door(request: Request) -> Doorkeeper:
    found: Doorkeeper = request.app.state.doorkeeper
    return found


def _passwords(request: Request) -> Passwords:
    found: Passwords = request.app.state.passwords
    return found


signed_in = APIRouter(prefix="/auth", route_class=Guarded, tags=["auth"])
"""What only somebody who is signed in may do."""
signed_in.add_api_route(
    "/password", needs(Right.OWN)(change_password), methods=["POST"], name="change_password"
)
