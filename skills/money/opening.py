"""A brokerage account is asked for: under which name, and where the broker writes to. What it must know besides (date of
birth, tax number) the broker asks on its own pages, and never here."""

import re
from decimal import Decimal

from domain.entities import Kind as Found
from domain.entities import find_entities
from domain.money import Intent, Kind, MoneySettings, Standing
from domain.skill import Heard, Run, RunState, Said, Step
from skills.money import confirm

_OPEN = re.compile(
    r"\b(?:open|create|start|set ?up) (?:\S+ ){0,3}(?:brokerage|investment|investing|trading) account\b"
    r"|\b(?:open|create) (?:an|my) account\b"
    r"|\b(?:abrir|crear) (?:\S+ ){0,2}cuenta(?: de (?:inversi\w+|corretaje))?\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^\W*(?:how|what|when|why|is|are|does|do you|c[oó]mo|cu[aá]nto|cu[aá]ndo|qu[eé])\b", re.IGNORECASE
)
_NAMED_BY = re.compile(
    r"^(?:i['’]?m|it['’]?s|this is|my name is|name is|under|me llamo|soy|a nombre de)\s+", re.IGNORECASE
)


def wants(text: str) -> bool:
    return bool(_OPEN.search(text)) and not _ASKS.search(text)


def concerns(run: Run, heard: Heard) -> bool:
    if _email(heard):
        return True
    return run.memory.get("asked") == "name" and "?" not in heard.text and bool(_name(heard.text))


def step(run: Run, heard: Heard, standing: Standing, settings: MoneySettings) -> Step:
    name = (
        (_name(heard.text) if run.memory.get("asked") == "name" else "")
        or run.slots.get("name")
        or _known(heard)
    )
    email = _email(heard) or run.slots.get("email") or str(heard.context.get("email") or "")
    run = run.holding(**{key: value for key, value in (("name", name), ("email", email)) if value})
    if not name:
        return Step(run.recalling(asked="name"), (Said("money_ask_full_name"),))
    if not email:
        return Step(run.recalling(asked="email"), (Said("money_ask_email"),))
    given, _, family = name.rpartition(" ")
    details = {"given": given, "family": family, "email": email}
    intent = Intent(Kind.ACCOUNT, run.id, heard.contact_id, None, Decimal(0), details=details)
    if standing.accounts:
        return Step(run.ended(RunState.DONE), (Said("money_has_account"),), for_person="money")
    return confirm.step(run.recalling(asked="confirm"), heard, intent, standing, settings)


def _email(heard: Heard) -> str:
    found = [one.value for one in find_entities(heard.text, heard.now) if one.kind is Found.EMAIL]
    return str(found[0]) if len(set(found)) == 1 else ""


def _name(text: str) -> str:
    """Two words at least: the broker knows people by both names."""
    words = _NAMED_BY.sub("", text.strip(" .!,\n")).split()
    looks = 2 <= len(words) <= 5 and all(word.strip(".'’-").isalpha() for word in words)
    return " ".join(words).title() if looks else ""


def _known(heard: Heard) -> str:
    known = heard.contact_name or str(heard.context.get("name") or "")
    return known if len(known.split()) >= 2 else ""
