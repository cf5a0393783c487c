"""API keys: listed without their secrets, made, revoked. Nobody makes one that may more than they may themselves."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AfterValidator, AwareDatetime, Field

from admin_api import once, pagination, rights
from admin_api.auth import Admitted, Here, guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.schemas import Moment, Role, Sent, Told
from admin_api.sign_in import PersonName
from domain.errors import FieldError, Invalid, NotPermitted
from store import audit, people

router = APIRouter(
    prefix="/api-keys", route_class=guarded(read=Right.KEYS, write=Right.KEYS), tags=["api-keys"]
)


def _scope(told: str) -> str:
    if told not in rights.SCOPES:
        raise ValueError(f"there is no such scope; there are {', '.join(rights.SCOPES)}")
    return told


Scope = Annotated[
    str, Field(max_length=40, json_schema_extra={"enum": list(rights.SCOPES)}), AfterValidator(_scope)
]


class NewKey(Sent):
    name: PersonName
    role: Role | None = Field(None, description="At most this; without it, whatever role its person has.")
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=20)] = Field(default_factory=lambda: ["*"])
    expires_at: AwareDatetime | None = Field(None, description="Without it, it lasts until it is revoked.")


class Key(Told):
    id: UUID
    name: str
    prefix: str = Field(description="The key begins with fd_ and this.")
    role: Role | None
    scopes: list[str]
    person_id: UUID | None = Field(description="For whom it acts; when they are disabled, so is the key.")
    created_at: Moment
    last_used_at: Moment | None
    expires_at: Moment | None
    revoked_at: Moment | None


class KeyMade(Key):
    key: str = Field(description="Shown this once.")


@router.get("")
async def listed(here: Admitted, limit: Limit = LIMIT, cursor: Cursor = None) -> Page[Key]:
    """The newest first, revoked ones too."""
    before = pagination.read_id("api-keys", cursor)
    async with here.transaction() as tx:
        rows = await people.keys(tx, before, limit + 1)
    return pagination.page(rows, limit, Key.model_validate, lambda row: pagination.write("api-keys", row.id))


@router.post("", status_code=201, response_model=KeyMade)
async def create(here: Admitted, wish: NewKey, key: once.Key = None) -> Response:
    """It acts for whoever makes it. Only its hash is kept; with an `Idempotency-Key` the answer is kept too, sealed,
    for 24 hours."""
    role = _checked(here, wish)

    async def make() -> KeyMade:
        if wish.expires_at is not None and wish.expires_at <= tx.now:
            wrong = FieldError("/expires_at", "it lies in the past")
            raise Invalid("a value is not acceptable", errors=[wrong])
        scopes = tuple(dict.fromkeys(wish.scopes))
        person = here.caller.person_id
        key_id, secret = await people.make_key(tx, wish.name, person, scopes, wish.expires_at, role)
        await audit.add(
            tx,
            here.caller.actor,
            "key_created",
            "api_key",
            key_id,
            role=role or here.role,
            scopes=list(scopes),
        )
        return KeyMade(**Key.model_validate(await people.key(tx, key_id)).model_dump(), key=secret)

    async with here.transaction() as tx:
        return await once.answer(tx, once.asked(key, "POST api-keys", wish), 201, make)


def _checked(here: Here, wish: NewKey) -> str | None:
    """The key's own role. Raise NotPermitted."""
    if wish.role is not None and rights.lesser(here.role, wish.role) != wish.role:
        raise _mightier("/role", f"you are {here.role}: a key of yours cannot be {wish.role}")
    if not rights.covers(here.caller.scopes, wish.scopes):
        raise _mightier("/scopes", f"this key has {', '.join(here.caller.scopes)}, and cannot give more")
    return wish.role or here.caller.own_role


def _mightier(pointer: str, detail: str) -> NotPermitted:
    return NotPermitted("a key cannot do more than who makes it", errors=[FieldError(pointer, detail)])


@router.get("/{key_id}")
async def one(here: Admitted, key_id: UUID) -> Key:
    """Without its secret."""
    async with here.transaction() as tx:
        return Key.model_validate(await people.key(tx, key_id))


@router.delete("/{key_id}")
async def revoke(here: Admitted, key_id: UUID) -> Key:
    """At once, and for good. Twice is once."""
    async with here.transaction() as tx:
        await people.key(tx, key_id)
        if await people.revoke_key(tx, key_id):
            await audit.add(tx, here.caller.actor, "key_revoked", "api_key", key_id)
        return Key.model_validate(await people.key(tx, key_id))
