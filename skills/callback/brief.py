"""What whoever calls should know: who it is, what is known of their wish, and what they wrote last. Pure."""

from domain import fields
from domain.fields import Here
from domain.skill import Heard

LAST, LONGEST, WHOLE = 4, 240, 900


def brief(heard: Heard) -> str:
    """Deterministic: nothing in it is made up, and all of it was said or is on file."""
    here = Here(heard.now, heard.language)
    known = [
        f"{one.name.replace('_', ' ')}: {fields.show(heard.context[one.name], one, here)}"
        for one in heard.profile.fields
        if heard.context.get(one.name) not in (None, "", [])
    ]
    said = [one.text for one in heard.past if not one.ours and one.text.strip()]
    said += [heard.text] if heard.text.strip() else []
    parts = [heard.contact_name or "", ", ".join(known), *(f'"{_short(one)}"' for one in said[-LAST:])]
    return "\n".join(part for part in parts if part)[:WHOLE]


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST else f"{flat[: LONGEST - 1]}…"
