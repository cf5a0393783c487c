"""A customer as their CRM may see them: the mapped values of ours, and how theirs would read as ours. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.crm import Base, Ours, State
from domain.crm_settings import (
    ATTRIBUTES,
    EMAIL,
    LANGUAGE,
    NAME,
    PHONE,
    STATUS,
    CrmSettings,
    Mapped,
)
from domain.fields import Complaint, Here, accept, show
from domain.messages import Scheme
from domain.workspace import Field_, Profile
from store.crm_ours import Standing

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class View:
    """`values` by our names, of what is mapped."""

    standing: Standing
    settings: CrmSettings
    values: Mapping[str, Ours]
    fields: Mapping[str, Field_]
    here: Here

    @property
    def phone(self) -> str | None:
        return self.values[PHONE].value if PHONE in self.values else None

    @property
    def email(self) -> str | None:
        return self.values[EMAIL].value if EMAIL in self.values else None

    @property
    def talk_key(self) -> str:
        return str(self.standing.talk.id) if self.standing.talk else ""

    def agreed(self, state: State) -> State:
        """What was agreed on, as this conversation sees it."""
        kept = {one.theirs for one in self.settings.fields if one.ours in ATTRIBUTES}
        return state.in_talk(self.talk_key, kept)

    def can_take(self, one: Mapped) -> bool:
        """What belongs to a conversation is taken while one is open."""
        talk = self.standing.talk
        return one.ours in (NAME, LANGUAGE) or (one.ours in self.fields and talk is not None and talk.is_open)

    def told(self, one: Mapped) -> Any:
        """Our value as the CRM is told it; None takes it away there."""
        value = self.values[one.ours].value
        field = self.fields.get(one.ours)
        if isinstance(value, bool):
            return "true" if value else "false"
        if value is None or isinstance(value, str | int | float):
            return value
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return ", ".join(value)
        return show(value, field, self.here) if field else str(value)

    def read(self, one: Mapped, value: Any) -> Any:
        """Their value as ours would be; None when it is none of ours."""
        match one.ours:
            case _ if value is None:
                return None
            case str(name) if name == PHONE:
                ours = self.values[PHONE].value
                return ours if ours is not None and _digits(ours) == _digits(str(value)) else value
            case str(name) if name == EMAIL:
                return str(value).strip().lower()
            case str(name) if name == NAME:
                return " ".join(str(value).split())[:_LONGEST_NAME] or None
            case str(name) if name == LANGUAGE:
                plain = str(value).strip().lower()[:2]
                return plain if re.fullmatch("[a-z]{2}", plain) else None
        field = self.fields.get(one.ours)
        if field is None:
            return value
        found = accept(value, field, self.here)
        return None if isinstance(found, Complaint) else json.loads(json.dumps(found, default=str))


def view(standing: Standing, profile: Profile, settings: CrmSettings, agreed: State, now: datetime) -> View:
    talk = standing.talk
    seen = profile.using(talk.schema) if talk else profile
    fields = {field.name: field for field in (seen.schemas[0].fields if seen.schemas else ())}
    here = Here(now.astimezone(ZoneInfo(profile.workspace.timezone)), profile.assistant.languages[0])
    known = {one.ours: agreed.fields.get(one.theirs, Base()).ours for one in settings.fields}
    values = {one.ours: _ours(standing, one.ours, known[one.ours]) for one in settings.fields}
    return View(standing, settings, values, fields, here)


def _ours(standing: Standing, name: str, known: Any) -> Ours:
    contact = standing.contact
    match name:
        case "contact.name":
            person = standing.name_by is not None
            return Ours(contact.name, person, standing.name_at, cleared=person and contact.name is None)
        case "contact.phone":
            return Ours(standing.address(Scheme.TEL, Scheme.WHATSAPP, known=known))
        case "contact.email":
            return Ours(standing.address(Scheme.EMAIL, known=known))
        case "contact.language":
            return Ours(contact.language)
        case str(one) if one == STATUS:
            return Ours(standing.talk.status or None if standing.talk else None)
    kept = standing.context.get(name)
    if kept is None:
        return Ours()
    return Ours(kept.value, kept.by_person, kept.at, cleared=kept.by_person and kept.value is None)


def _digits(said: str) -> str:
    """Without a country code of one digit: that is left out there, now and then."""
    digits = re.sub(r"\D", "", said)
    return digits[-10:]
