"""One-time codes: which address is meant, over which of the business's channels one goes there, and in which words."""

import phonenumbers

from domain.errors import Invalid
from domain.messages import Address, Scheme
from domain.workspace import Profile
from store import channels, verifications
from store.channels import ChannelRow
from store.db import Tx

_WAYS = {Scheme.TEL: "twilio_sms"}
"""What carries a code. WhatsApp does not: outside of its window it wants a template of its own category."""
_WORDS = {
    "en": "{code} is your code for {business}. It is good for 10 minutes. Nobody from {business} will ask you for it.",
    "es": "{code} es tu código de {business}. Vale 10 minutos. Nadie de {business} te lo va a pedir.",
}
_KEPT = {
    "en": "•••••• is your code for {business}. (A visitor of the web chat asked for it.)",
    "es": "•••••• es tu código de {business}. (Lo pidió un visitante del chat.)",
}


async def send(tx: Tx, profile: Profile, visitor: str, to: str, language: str) -> None:
    """Raise Invalid (no_number, no_way), TooMany. What is raised says nothing of who is known."""
    way = await _way(tx)
    address = Address(Scheme.TEL, _number(to, way.address))
    business = profile.workspace.name
    words, kept = _WORDS.get(language, _WORDS["en"]), _KEPT.get(language, _KEPT["en"])
    await verifications.ask(
        tx,
        visitor,
        address,
        way.id,
        lambda code: words.format(code=code, business=business),
        kept.format(business=business),
    )


async def _way(tx: Tx) -> ChannelRow:
    kind = _WAYS[Scheme.TEL]
    found = next((one for one in await channels.listed(tx) if one.kind == kind and one.active), None)
    if found is None:
        raise Invalid(
            "this business sends no text messages, so a number cannot be verified here", code="no_way"
        )
    return found


def _number(said: str, ours: str) -> str:
    """E.164. Only numbers under the country code of the business's own: a code to anywhere is somebody's bill."""
    if "@" in said:
        raise Invalid("this business sends no e-mail, so an address cannot be verified here", code="no_way")
    home = _parsed(ours, None)
    region = phonenumbers.region_code_for_country_code(home.country_code or 0) if home else None
    number = _parsed(said, region)
    if number is None or home is None:
        raise Invalid("this is no telephone number that a code can be sent to", code="no_number")
    if number.country_code != home.country_code:
        raise Invalid("codes are sent within the country of the business only", code="no_number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _parsed(said: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(said, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_possible_number(number) else None
