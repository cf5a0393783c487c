"""Actions that other people's servers carry out, as a workspace declares them: where they are, what they need, what a
wrong one could cost, and what may come back. The servers speak the protocol of rasa-sdk."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from domain.fields.definition import Field_
from domain.fields.registry import misdefined
from domain.skill import Risk, WorldEffect
from domain.workspace import Duration, Model, Name, Profile, SkillSettings

SKILL = "rasa"
ActionName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,99}$")]
Words = Annotated[
    dict[Literal["en", "es"], Annotated[str, Field(min_length=1, max_length=300)]], Field(max_length=2)
]
Example = Annotated[str, Field(min_length=2, max_length=300)]
_RISKS = {"public": Risk.PUBLIC, "own_data": Risk.OWN_DATA, "write": Risk.REVERSIBLE}
LATEST = timedelta(days=90)
"""Nothing is remembered for longer than this."""


class ActionSettings(Model):
    """One action of a server, offered to customers."""

    name: ActionName
    """As the server knows it, and the intent that begins it."""
    description: Annotated[str, Field(min_length=1, max_length=300)]
    """For people, and for a model that reads messages."""
    called: Words = Field(default_factory=dict)
    """What the customer is asked to confirm: "cancel the order"."""
    examples: Annotated[tuple[Example, ...], Field(max_length=200)] = ()
    """How customers ask for it."""
    begin: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    """Other intents that begin it too, such as check_status."""
    slots: Annotated[tuple[Field_, ...], Field(max_length=30)] = ()
    """What it needs: the required ones are asked for. A field of the same name in the conversation's schema fills it."""
    returns: Annotated[tuple[Field_, ...], Field(max_length=30)] = ()
    """What it may set besides."""
    risk: Literal["public", "own_data", "write"] = "write"
    verification: Literal[0, 1] = 0
    """1: only for a customer who has typed a one-time code."""
    safe_to_repeat: bool = False
    """Carried out twice is the same as once: without this nothing is ever sent a second time."""
    timeout: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(seconds=30))] = timedelta(seconds=5)

    @model_validator(mode="after")
    def _makes_sense(self) -> "ActionSettings":
        names = [one.name for one in self.known]
        if len(set(names)) != len(names):
            raise ValueError("two slots have the same name")
        if wrong := next((said for one in self.known if (said := misdefined(one))), None):
            raise ValueError(wrong)
        if self.risk == "own_data" and not self.verification:
            raise ValueError("own_data is told only to who has proved who they are: set verification: 1")
        return self

    @property
    def known(self) -> tuple[Field_, ...]:
        return (*self.slots, *self.returns)

    def slot(self, name: str) -> Field_ | None:
        return next((one for one in self.known if one.name == name), None)

    @property
    def tier(self) -> Risk:
        return _RISKS[self.risk]

    @property
    def confirms(self) -> bool:
        """The customer says yes to what is read back before it is carried out."""
        return self.tier >= Risk.REVERSIBLE

    @property
    def at_once(self) -> bool:
        """Carried out while the customer waits for the answer: a turn may run twice, so only what may be repeated."""
        return self.safe_to_repeat and not self.confirms

    def name_for_people(self, language: str) -> str:
        said = self.called.get(language) or next(iter(self.called.values()), "")  # type: ignore[call-overload]
        return said or re.sub(r"^action_", "", self.name).replace("_", " ")


class ServerSettings(Model):
    """One action server."""

    url: Annotated[str, Field(max_length=500)]
    auth: Literal["none", "signature", "bearer"] = "none"
    """With the secret of the webhook that has this address: as a signature of Standard Webhooks, or as a bearer token."""
    history: Annotated[int, Field(ge=0, le=30)] = 10
    """So many messages of the conversation are shown to it, the newest."""
    links: Annotated[tuple[str, ...], Field(max_length=20)] = ()
    """Hosts, besides its own, to which its words may lead."""
    responses: Annotated[dict[str, str | Words], Field(max_length=200)] = Field(default_factory=dict)
    """Words by name (utter_done), with {slot} for values: those that the server names instead of saying them."""
    actions: Annotated[tuple[ActionSettings, ...], Field(min_length=1, max_length=50)]

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            port_ok = parts.port is None or parts.port > 0
        except ValueError:
            port_ok, parts = False, urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
            raise ValueError(
                f"{value!r} is no address; write for example https://actions.example.com/webhook"
            )
        if parts.username or parts.password:
            raise ValueError("an address holds no password; choose `auth`, its secret is kept sealed")
        return value

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    def action(self, name: str) -> ActionSettings | None:
        return next((one for one in self.actions if one.name == name), None)


class RasaSettings(SkillSettings):
    """`skills.rasa` of a workspace."""

    servers: Annotated[tuple[ServerSettings, ...], Field(min_length=1, max_length=10)]

    @model_validator(mode="after")
    def _names_once(self) -> "RasaSettings":
        names = [one.name for server in self.servers for one in server.actions]
        if twice := sorted({one for one in names if names.count(one) > 1}):
            raise ValueError(f"two actions are named {', '.join(twice)}; a name begins one action")
        urls = [one.url for one in self.servers]
        if len(set(urls)) != len(urls):
            raise ValueError("two servers have the same url; list their actions under one")
        return self

    def find(self, name: str) -> tuple[ServerSettings, ActionSettings] | None:
        for server in self.servers:
            if action := server.action(name):
                return server, action
        return None


def taught(profile: Profile) -> dict[str, tuple[str, ...]]:
    """Example sentences by intent: the business's own, and those of its actions."""
    found = dict(profile.intents)
    for name, said in _examples(profile.skills):
        found[name] = (*found.get(name, ()), *said)
    return found


def _examples(skills: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Out of a workspace's `skills` as they were written."""
    told = skills.get(SKILL)
    servers = told.get("servers") if isinstance(told, Mapping) else None
    for server in servers if isinstance(servers, list | tuple) else ():
        actions = server.get("actions") if isinstance(server, Mapping) else None
        for action in actions if isinstance(actions, list | tuple) else ():
            said = action.get("examples") if isinstance(action, Mapping) else None
            if isinstance(said, list | tuple) and said:
                yield str(action.get("name", "")), tuple(str(one) for one in said)


class Trouble(StrEnum):
    """Why an action was not carried out, or why nobody knows."""

    REJECTED = "rejected"  # the action itself refused
    REFUSED = "refused"  # the server did not take the call
    NOT_REACHED = "not_reached"
    NOT_PUBLIC = "not_public"  # an address of the inside that the operator has not allowed
    SWITCHED_OFF = "switched_off"  # a person has switched off the webhook of this address
    NO_ANSWER = "no_answer"
    BROKE = "broke"  # 5xx
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"

    @property
    def surely_not_done(self) -> bool:
        return self in _NOT_DONE

    @property
    def may_pass(self) -> bool:
        """Asking once more may help."""
        return self in (Trouble.NOT_REACHED, Trouble.NO_ANSWER, Trouble.BROKE)


_NOT_DONE = (
    Trouble.REJECTED, Trouble.REFUSED, Trouble.NOT_REACHED, Trouble.NOT_PUBLIC, Trouble.SWITCHED_OFF,
)  # fmt: skip


class ActionFailed(Exception):
    """No usable answer came. `said` is for people of the business, never for the customer."""

    def __init__(self, trouble: Trouble, said: str = "") -> None:
        super().__init__(f"{trouble}: {said}" if said else str(trouble))
        self.trouble, self.said = trouble, said


@dataclass(frozen=True, slots=True)
class CallAction(WorldEffect):
    """The action of this run is carried out after the transaction, by a worker; once for a run and key, whoever asks how
    often. A `reminder` has its time, takes the place of the one before, and is void if the customer writes before it
    and it says so."""

    run_id: UUID
    key: str
    at: datetime | None = None
    reminder: UUID | None = None
    unless_they_write: bool = False


@dataclass(frozen=True, slots=True)
class DropReminders(WorldEffect):
    """This one, or all of the conversation."""

    reminder: UUID | None = None
