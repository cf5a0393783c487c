"""Every channel there is. To add one: its file, its line here, its table in tests/channels/cases."""

from channels.base import Account, Channel
from channels.twilio_sms import TwilioSMS

CHANNELS: dict[str, type[Channel]] = {
    "twilio_sms": TwilioSMS,
}


def open_channel(kind: str, account: Account) -> Channel:
    """The channel of this kind, speaking for this account. KeyError for a kind that is not listed."""
    return CHANNELS[kind](account)
