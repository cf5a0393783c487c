"""What we answer to STOP, START and HELP where the provider does not. One message, no marketing."""

from domain.messages import Keyword
from domain.workspace import Profile

_WORDS = {
    ("en", Keyword.STOP): "{name}: you are unsubscribed and will get no more messages. Reply START to resume.",
    ("en", Keyword.START): "{name}: you are subscribed again. Reply HELP for help, STOP to opt out.",
    ("en", Keyword.HELP): "{name}: ask us anything by text. Msg & data rates may apply. Reply STOP to opt out.",
    ("es", Keyword.STOP): "{name}: su baja está hecha; no recibirá más mensajes. Responda START para volver.",
    ("es", Keyword.START): "{name}: está suscrito de nuevo. Responda HELP para ayuda, STOP para darse de baja.",
    ("es", Keyword.HELP): "{name}: pregúntenos por mensaje. Pueden aplicarse tarifas. Responda STOP para la baja.",
}


def answer(keyword: Keyword, profile: Profile, language: str) -> str:
    """In the customer's language where we have it."""
    words = _WORDS.get((language, keyword), _WORDS["en", keyword])
    return words.format(name=profile.workspace.name)
