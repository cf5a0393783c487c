"""Every channel there is. To add one: its file, its line here, its table in tests/channels/cases."""

from channels.base import Account, Channel
from channels.meta_whatsapp import MetaWhatsApp
from channels.twilio_sms import TwilioSMS
from channels.twilio_whatsapp import TwilioWhatsApp
from channels.webchat import WebChat

CHANNELS: dict[str, type[Channel]] = {
    "meta_whatsapp": MetaWhatsApp,
    "twilio_sms": TwilioSMS,
    "webchat": WebChat,
    "twilio_whatsapp": TwilioWhatsApp,
}


def open_channel(kind: str, account: Account) -> Channel:
    """The channel of this kind, speaking for this account. KeyError for a kind that is not listed."""
    return CHANNELS[kind](account)
