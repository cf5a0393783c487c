"""What the API reads and answers. Additive only: a field that has been answered once stays."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LONGEST = 5_000
"""Characters of a reply."""

State = Literal["open", "snoozed", "closed"]
Owner = Literal["ai", "human"]
DraftState = Literal["pending", "approved", "edited", "rejected", "expired", "superseded"]


_CODE = r"^[a-z][a-z0-9_]{0,62}$"


def _readable(text: str) -> str:
    """What can be sent and read: no NUL, no halves of characters, and something to see."""
    if "\0" in text:
        raise ValueError("it contains a NUL character, which nothing can carry")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("it contains half of a character (a lone surrogate)")
    if all(unicodedata.category(char)[0] in "CZ" for char in text):
        raise ValueError("there is nothing to read in it")
    return text


def _code(reason: str) -> str:
    if not re.fullmatch(_CODE, reason):
        raise ValueError("it is a short code such as asked_for_a_manager: small letters, digits, underscores")
    return reason


Moment = Annotated[datetime, AfterValidator(lambda moment: moment.astimezone(UTC))]
Words = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_readable)]
Note = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_readable)]
Code = Annotated[
    str, Field(min_length=1, max_length=63, json_schema_extra={"pattern": _CODE}), AfterValidator(_code)
]


class Sent(BaseModel):
    """A body that callers send; a field we do not know is an error, not a wish we silently ignore."""

    model_config = ConfigDict(extra="forbid")


class Reply(Sent):
    text: Words


class TakeOver(Sent):
    reason: Code = Field(
        "took_over", description="A code, not words: it goes into the audit, which holds none."
    )


class Approval(Sent):
    text: Words | None = Field(None, description="Send these words instead; the assistant's own are kept.")


class Rejection(Sent):
    reason: Note | None = Field(None, description="Why, for the people who read it later. Kept encrypted.")


class Told(BaseModel):
    """An answer, made from the store's own dataclasses."""

    model_config = ConfigDict(from_attributes=True)


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list["ProblemField"]


class ProblemField(BaseModel):
    pointer: str
    detail: str


Role = Literal["owner", "admin", "agent", "viewer"]


class NewName(Sent):
    name: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_readable)]


class MyWorkspace(BaseModel):
    id: UUID
    slug: str
    name: str
    timezone: str
    role: Role
    person_id: UUID | None
    person_name: str | None


class MyAccount(BaseModel):
    id: UUID
    email: str


class Me(BaseModel):
    """Who the key or the token stands for."""

    key_id: UUID | None
    person_id: UUID | None
    role: Role
    scopes: list[str]
    workspace: MyWorkspace
    workspaces: list[MyWorkspace]
    account: MyAccount | None


class Delivery(Told):
    """One part of an outgoing message on its way."""

    part: int
    state: str
    reason: str | None
    error_code: str | None
    attempts: int


class Attachment(Told):
    id: UUID
    type: str
    state: str
    size: int | None
    reason: str | None


class Message(Told):
    id: UUID
    seq: int
    direction: Literal["in", "out"]
    author: Literal["contact", "ai", "human", "system"]
    kind: str = Field("text", description="text, choice, reaction, system, …")
    text: str
    choice: str | None = Field(None, description="The id of the button or list entry that was chosen.")
    reply_to: str | None = Field(
        None, description="The provider's id of the message that this one answers or reacts to."
    )
    reply_to_id: UUID | None = Field(None, description="That message, if it is in this conversation.")
    channel: str = Field(validation_alias="channel_kind")
    created_at: Moment
    person_id: UUID | None
    turn_id: UUID | None
    draft_id: UUID | None
    deliveries: list[Delivery]
    attachments: list[Attachment]


class Conversation(Told):
    id: UUID
    contact_id: UUID
    contact_name: str | None = Field(None, description="Of who the contact is now, in lists.")
    state: State
    owner: Owner
    owner_person_id: UUID | None
    owner_reason: str | None
    paused_until: Moment | None
    posture: Literal["auto", "draft", "off"] | None
    last_seq: int
    answered_seq: int
    created_at: Moment
    updated_at: Moment


class Address(Told):
    scheme: str
    value: str


class Contact(Told):
    id: UUID
    name: str | None
    language: str | None
    addresses: list[Address]
    created_at: Moment


class ContextValue(Told):
    """A field as it stands, who set it, and the words that decided it."""

    value: Any
    source: Literal["ai", "human", "rule", "import"]
    confidence: float
    words: str | None
    evidence_seq: int | None
    at: Moment


class ConversationDetail(Conversation):
    contact: Contact
    context: dict[str, ContextValue]
    pending_draft_id: UUID | None


class Turn(Told):
    """One answer of the assistant and why it was that: `explanation` holds what was understood, found and
    decided."""

    id: UUID
    conversation_id: UUID
    first_seq: int
    base_seq: int
    state: Literal["running", "saved", "superseded", "failed"]
    action: str | None
    reason: str | None
    intent: str | None
    confidence: float | None
    explanation: dict[str, Any]
    started_at: Moment
    finished_at: Moment | None


class Draft(Told):
    """`original` are the assistant's words, `text` those that were or will be sent."""

    id: UUID
    conversation_id: UUID
    turn_id: UUID
    base_seq: int
    state: DraftState
    reason: str
    original: str
    text: str
    note: str | None
    decided_by: UUID | None
    decided_at: Moment | None
    expires_at: Moment
    version: int
    created_at: Moment
    message_id: UUID | None = Field(None, description="The message that was sent of it.")
