"""The line that says a machine is writing, for whom, and how to make it stop."""

from domain.workspace import Profile

_LINES = {
    "en": "{name}, automated assistant of {business}. Reply STOP to opt out.",
    "es": "{name}, asistente automático de {business}. Responda STOP para no recibir más mensajes.",
}


def disclosure(profile: Profile, language: str) -> str:
    line = _LINES.get(language, _LINES["en"])
    return line.format(name=profile.assistant.name, business=profile.workspace.name)


def discloses(text: str, profile: Profile) -> bool:
    """The text says it already, in whichever language."""
    return any(disclosure(profile, language) in text for language in _LINES)


def disclosed(text: str, profile: Profile, language: str) -> str:
    """The text with the line at its end, once."""
    return text if discloses(text, profile) else f"{text}\n{disclosure(profile, language)}".strip()
