"""Customers: who they are, how they can be reached, what they said about being written to; which of them are one."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, BaseModel, Field, model_validator
from pydantic_core import to_jsonable_python

from admin_api import auth, once, pagination, versions
from admin_api.auth import Admitted, Guarded
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.schemas import Moment, Note, Sent, Told, _readable
from admin_api.versions import IfMatch
from domain import messages
from domain.errors import FieldError, Invalid, NotFound
from domain.messages import Keyword, Scheme
from runtime import erasing
from runtime.wake import TURNS
from store import audit, contacts, conversations, erasure, likely, merges
from store.db import Tx

router = APIRouter(prefix="/contacts", route_class=Guarded, tags=["contacts"])

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")

Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_readable)]
Language = Annotated[
    str, Field(pattern=r"^[a-z]{2}$", description="Two letters, as in the assistant's languages.")
]


# --- what is sent ---


class NewAddress(Sent):
    scheme: Literal["tel", "whatsapp", "email"]
    value: Annotated[str, Field(min_length=3, max_length=254)]

    @model_validator(mode="after")
    def _fits(self) -> "NewAddress":
        if self.scheme == "email" and not _EMAIL.fullmatch(self.value.strip()):
            raise ValueError("this is no e-mail address")
        if self.scheme != "email" and not _NUMBER.fullmatch(_number(self.value)):
            raise ValueError("a telephone number is written with + and the country: +15125550123")
        return self

    @property
    def address(self) -> messages.Address:
        value = self.value.strip().lower() if self.scheme == "email" else _number(self.value)
        return messages.Address(Scheme(self.scheme), value)


class NewContact(Sent):
    name: Name | None = None
    language: Language | None = None
    addresses: Annotated[list[NewAddress], Field(min_length=1, max_length=20)]


class ContactChange(Sent):
    """What is not named stays; null takes it away."""

    name: Name | None = None
    language: Language | None = None


class MergeInto(Sent):
    into: UUID | None = Field(None, description="Who goes on: this contact becomes that one.")
    other: UUID | None = Field(None, description="Or: who becomes this contact.")

    @model_validator(mode="after")
    def _one(self) -> "MergeInto":
        if (self.into is None) == (self.other is None):
            raise ValueError("name one contact: `into`, which goes on, or `other`, which becomes this one")
        return self


class ConsentTold(Sent):
    """What the customer said elsewhere: at the desk, on the telephone, on a form."""

    address_id: UUID
    state: Literal["in", "out"]
    source: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")] = Field(
        "person", description="A code, such as form, in_person, telephone."
    )
    wording: Note = Field(
        description="The words that they agreed to, or in which they refused. Kept encrypted."
    )


# --- what is answered ---


class AddressTold(Told):
    id: UUID
    scheme: str
    value: str
    contact_id: UUID = Field(
        description="For whom it was made: another one's, when that was merged into this."
    )
    consent: Literal["opted_in", "opted_out", "none"]
    opted_in_at: Moment | None
    opted_out_at: Moment | None
    verified_at: Moment | None = Field(description="When they showed, by a one-time code, that it is theirs.")
    last_inbound_at: Moment | None
    suppressed: str | None = Field(description="Why the provider says that nothing can arrive there.")
    created_at: Moment


class ContactTold(Told):
    id: UUID
    name: str | None
    language: str | None
    addresses: list[AddressTold]
    merged_into: UUID | None
    is_now: UUID = Field(description="Who this is: its own id, or that of the contact which it has become.")
    created_at: Moment
    version: int


class MergedTold(Told):
    contact_id: UUID
    into_id: UUID
    reason: str
    actor: str
    at: Moment


class ContactDetail(ContactTold):
    merged: list[MergedTold] = Field(description="What it is made of; each can be taken out again.")
    conversation_id: UUID | None = Field(description="The one that is open.")


class MergeDone(BaseModel):
    contact_id: UUID = Field(description="Who they are now; after an unmerge: who they were.")


class ConsentEntry(Told):
    address_id: UUID
    purpose: str
    state: Literal["in", "out"]
    source: str
    wording: str | None
    message_id: UUID | None
    at: Moment


class Suggestion(BaseModel):
    """Two who may be one person. `reasons`: told_address, same_told, same_name."""

    contact: ContactTold
    other: ContactTold
    reasons: list[str]


class Erased(BaseModel):
    rows: dict[str, int]
    files: int
    opt_outs_kept: int


# --- lists ---


@router.get("")
async def listed(
    here: Admitted,
    address: Annotated[
        str | None,
        Query(max_length=254, description="Exactly this number, e-mail or scheme:value; no part of one."),
    ] = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[ContactTold]:
    """The newest first, without those that have become others."""
    before = pagination.read_moment("contacts", cursor)
    async with here.transaction() as tx:
        if address is not None:
            found = await contacts.find(tx, _asked(address))
            return Page(items=[_told(one) for one in found], next_cursor=None)
        rows = await contacts.page(tx, before, limit + 1)
    return pagination.page(
        rows, limit, _told, lambda row: pagination.write("contacts", row.created_at, row.id)
    )


@router.get("/suggestions")
async def all_suggestions(here: Admitted, limit: Limit = LIMIT) -> Page[Suggestion]:
    """Who may be the same person, by what they told of themselves. A person decides: merge, or reject."""
    async with here.transaction() as tx:
        return await _suggestions(tx, None, limit)


@router.post("", status_code=201, response_model=ContactDetail)
async def create(here: Admitted, new: NewContact, key: once.Key = None) -> Response:
    """Somebody who has not written yet."""

    async def do() -> ContactDetail:
        addresses = [one.address for one in new.addresses]
        made = await contacts.create(tx, addresses, new.name, new.language, here.caller.actor)
        return await _detail(tx, made)

    async with here.transaction() as tx:
        return await once.answer(tx, once.asked(key, "POST contacts", new), 201, do)


# --- one ---


@router.get("/{contact_id}")
async def one(here: Admitted, contact_id: UUID, response: Response) -> ContactDetail:
    """Also of a contact that has become another: `is_now` says whom."""
    async with here.transaction() as tx:
        found = await _detail(tx, contact_id)
    response.headers["ETag"] = versions.etag(found.version)
    return found


@router.patch("/{contact_id}")
async def change(
    here: Admitted, contact_id: UUID, wish: ContactChange, response: Response, if_match: IfMatch = None
) -> ContactDetail:
    """Name and language; what is not named stays, null takes it away."""
    told = wish.model_dump(exclude_unset=True)
    async with here.transaction() as tx:
        await contacts.change(
            tx, contact_id, told, here.caller.actor, lambda version: versions.is_current(if_match, version)
        )
        found = await _detail(tx, contact_id)
    response.headers["ETag"] = versions.etag(found.version)
    return found


@router.delete("/{contact_id}")
@auth.needs(Right.ERASE)
async def erase(here: Admitted, contact_id: UUID) -> Erased:
    """Everything that is kept of this person goes, in every table and on disk, of whichever contacts they are made.
    An opt-out stays, as a keyed hash. It cannot be undone."""
    async with here.transaction() as tx:
        erased, _ = await erasing.erase(tx, here.rt.settings.data_dir, contact_id, here.caller.actor)
    return Erased(rows=erased.rows, files=len(erased.files), opt_outs_kept=erased.opt_outs_kept)


@router.get("/{contact_id}/export")
@auth.needs(Right.ERASE)
async def export(here: Admitted, contact_id: UUID) -> dict[str, Any]:
    """Everything that is kept of this person, whichever of their contacts is named."""
    async with here.transaction() as tx:
        found = await erasure.everything(tx, contact_id)
        await audit.add(tx, here.caller.actor, "contact_exported", "contact", contact_id)
    told: dict[str, Any] = to_jsonable_python(found, fallback=str)
    return told


# --- who is who ---


@router.post("/{contact_id}/merge", response_model=MergeDone)
async def merge(here: Admitted, contact_id: UUID, wish: MergeInto, key: once.Key = None) -> Response:
    """They are one person: one conversation and one context from now on. Consent stays with each address."""

    async def do() -> MergeDone:
        pair = (contact_id, wish.into) if wish.into else (wish.other or contact_id, contact_id)
        return MergeDone(contact_id=await merges.merge(tx, *pair, here.caller.actor))

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST contacts/{contact_id}/merge", wish)
        answer = await once.answer(tx, asked, 200, do)
    await here.rt.wake.wake(TURNS)
    return answer


@router.post("/{contact_id}/unmerge", response_model=MergeDone)
async def unmerge(here: Admitted, contact_id: UUID, key: once.Key = None) -> Response:
    """They are not: each has their own conversation and context again."""

    async def do() -> MergeDone:
        return MergeDone(contact_id=await merges.unmerge(tx, contact_id, here.caller.actor))

    async with here.transaction() as tx:
        answer = await once.answer(tx, once.asked(key, f"POST contacts/{contact_id}/unmerge", None), 200, do)
    await here.rt.wake.wake(TURNS)
    return answer


@router.get("/{contact_id}/suggestions")
async def suggestions(here: Admitted, contact_id: UUID, limit: Limit = LIMIT) -> Page[Suggestion]:
    """With whom this contact may be one."""
    async with here.transaction() as tx:
        return await _suggestions(tx, contact_id, limit)


@router.post("/{contact_id}/suggestions/{other_id}/reject", status_code=204)
async def reject(here: Admitted, contact_id: UUID, other_id: UUID) -> None:
    """They are two people: this is not suggested again."""
    async with here.transaction() as tx:
        await likely.are_two(tx, contact_id, other_id, here.caller.actor)


# --- consent ---


@router.get("/{contact_id}/consent")
async def consent(here: Admitted, contact_id: UUID) -> Page[ConsentEntry]:
    """What was said, the newest first, of every address; nothing in it is ever changed."""
    async with here.transaction() as tx:
        await _needed(tx, contact_id)
        found = await contacts.history(tx, contact_id)
    return Page(items=[ConsentEntry.model_validate(one) for one in found], next_cursor=None)


@router.post("/{contact_id}/consent", status_code=201, response_model=ContactDetail)
async def record(here: Admitted, contact_id: UUID, told: ConsentTold, key: once.Key = None) -> Response:
    """What the customer told a person. Out counts at once, for text messages and WhatsApp of the same number. Who is
    out comes back by their own START only."""

    async def do() -> ContactDetail:
        keyword = Keyword.STOP if told.state == "out" else Keyword.START
        await contacts.person_recorded(
            tx, contact_id, told.address_id, keyword, told.source, told.wording, here.caller.actor
        )
        return await _detail(tx, contact_id)

    async with here.transaction() as tx:
        asked = once.asked(key, f"POST contacts/{contact_id}/consent", told)
        return await once.answer(tx, asked, 201, do)


# --- shown ---


def _told(found: contacts.Contact) -> ContactTold:
    addresses = [
        AddressTold(
            id=one.id, scheme=one.address.scheme, value=one.address.value, contact_id=one.contact_id,
            consent=one.consent,  # type: ignore[arg-type]
            opted_in_at=one.opted_in_at, opted_out_at=one.opted_out_at, verified_at=one.verified_at,
            last_inbound_at=one.last_inbound_at, suppressed=one.suppressed, created_at=one.created_at,
        )
        for one in found.known
    ]  # fmt: skip
    return ContactTold(
        id=found.id, name=found.name, language=found.language, addresses=addresses, created_at=found.created_at,
        merged_into=found.merged_into, is_now=found.root_id or found.id, version=found.version,
    )  # fmt: skip


async def _needed(tx: Tx, contact_id: UUID) -> contacts.Contact:
    found = await contacts.get(tx, contact_id)
    if found is None:
        raise NotFound("there is no such contact here")
    return found


async def _detail(tx: Tx, contact_id: UUID) -> ContactDetail:
    found = await _needed(tx, contact_id)
    merged = await merges.merged(tx, contact_id)
    return ContactDetail(
        **_told(found).model_dump(),
        merged=[MergedTold.model_validate(one) for one in merged],
        conversation_id=await conversations.open_of(tx, found.root_id or found.id),
    )


async def _suggestions(tx: Tx, contact_id: UUID | None, limit: int) -> Page[Suggestion]:
    found = await likely.pairs(tx, contact_id, limit)
    known = await contacts.all_of(tx, {one for pair in found for one in (pair.one, pair.other)})
    return Page(
        items=[
            Suggestion(
                contact=_told(known[one.one]), other=_told(known[one.other]), reasons=list(one.reasons)
            )
            for one in found
        ],
        next_cursor=None,
    )


def _asked(said: str) -> Sequence[messages.Address]:
    """ "tel:+15125550123" names a way; a bare number may be either, and what has an @ is an e-mail."""
    scheme, colon, value = said.strip().partition(":")
    if colon and scheme in {one.value for one in Scheme}:
        plain = value.strip().lower() if scheme == Scheme.EMAIL else value.strip()
        return [messages.Address(Scheme(scheme), plain)]
    if "@" in said:
        return [messages.Address(Scheme.EMAIL, said.strip().lower())]
    number = _number(said)
    if not _NUMBER.fullmatch(number):
        wrong = FieldError("/query/address", "a number with + and the country, an e-mail, or scheme:value")
        raise Invalid("this is no address", errors=[wrong])
    return [messages.Address(scheme, number) for scheme in (Scheme.TEL, Scheme.WHATSAPP)]


def _number(said: str) -> str:
    """Without what people write between the digits. A + in a query comes as a space unless it was escaped."""
    plain = re.sub(r"[\s().-]", "", said)
    return plain if plain.startswith("+") or not said.startswith(" ") else f"+{plain}"
