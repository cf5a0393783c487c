"""What we answer to STOP, START and HELP where the provider does not. One message, no marketing."""

import re

from domain.messages import Keyword
from domain.workspace import Profile

_WORDS = {
    (
        "en",
        Keyword.STOP,
    ): "{name}: you are unsubscribed and will get no more messages. Reply START to resume.",
    ("en", Keyword.START): "{name}: you are subscribed again. Reply HELP for help, STOP to opt out.",
    (
        "en",
        Keyword.HELP,
    ): "{name}: ask us anything by text. Msg & data rates may apply. Reply STOP to opt out.",
    ("es", Keyword.STOP): "{name}: su baja está hecha; no recibirá más mensajes. Responda START para volver.",
    (
        "es",
        Keyword.START,
    ): "{name}: está suscrito de nuevo. Responda HELP para ayuda, STOP para darse de baja.",
    (
        "es",
        Keyword.HELP,
    ): "{name}: pregúntenos por mensaje. Pueden aplicarse tarifas. Responda STOP para la baja.",
}
_SPANISH = re.compile(
    r"\b(alto|basta|bajas?|altas?|ayuda|empezar|reanudar|mensajes?|no (me|nos|quiero)|dej\w+|escrib\w+|suscri\w+|mand\w+)\b"
)


def answer(keyword: Keyword, profile: Profile, matched: str) -> str:
    """In the language of the words that asked for it (`OptOutReading.matched`)."""
    language = "es" if _SPANISH.search(matched.casefold()) else "en"
    return _WORDS[language, keyword].format(name=profile.workspace.name)
