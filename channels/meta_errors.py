"""Error codes of Meta's Cloud API and what to do about each, for refused requests and for statuses alike.

https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes — the words are Meta's, shortened.
"""

from domain.errors import Disposition

RETRY, GIVE_UP, SUPPRESS, ALARM, NEEDS_TEMPLATE = (
    Disposition.RETRY,
    Disposition.GIVE_UP,
    Disposition.SUPPRESS,
    Disposition.ALARM,
    Disposition.NEEDS_TEMPLATE,
)

ERRORS: dict[str, tuple[Disposition, str]] = {
    # who we are
    "0": (ALARM, "we could not be authenticated"),
    "3": (ALARM, "capability or permission missing"),
    "10": (ALARM, "permission not granted"),
    "190": (ALARM, "access token expired"),
    "200": (ALARM, "permission missing"),
    "368": (ALARM, "the account is blocked for policy violations"),
    "131005": (ALARM, "access denied"),
    "131031": (ALARM, "the account is locked"),
    "131042": (ALARM, "a payment is due"),
    "131045": (ALARM, "the phone number is not registered"),
    "133000": (ALARM, "an earlier deregistration is incomplete"),
    "133010": (ALARM, "the phone number is not registered"),
    # too much, too fast, or Meta's own trouble
    "1": (RETRY, "unknown error"),
    "2": (RETRY, "service temporarily unavailable"),
    "4": (RETRY, "too many calls of the application"),
    "80007": (RETRY, "too many calls of the account"),
    "130429": (RETRY, "throughput reached"),
    "131000": (RETRY, "something went wrong"),
    "131016": (RETRY, "service unavailable"),
    "131048": (RETRY, "held back: too many earlier messages were blocked or called spam"),
    "131053": (RETRY, "media could not be uploaded"),
    "131056": (RETRY, "too many messages to this one receiver"),
    "131057": (RETRY, "the account is in maintenance"),
    "133016": (RETRY, "too many registrations"),
    # this message, or this receiver
    "33": (ALARM, "the phone number id has been deleted"),
    "100": (GIVE_UP, "invalid parameter"),
    "130403": (SUPPRESS, "the receiver does not accept messages of businesses"),
    "130472": (GIVE_UP, "the receiver is part of an experiment"),
    "131008": (GIVE_UP, "a parameter is missing"),
    "131009": (GIVE_UP, "a parameter has a wrong value"),
    "131021": (GIVE_UP, "sender and receiver are the same"),
    "131026": (GIVE_UP, "undeliverable: no WhatsApp there, or terms not accepted"),
    "131030": (ALARM, "the receiver is not on the list of allowed numbers"),
    "131047": (NEEDS_TEMPLATE, "more than 24 hours since the customer last wrote"),
    "131049": (GIVE_UP, "not delivered, to keep the ecosystem healthy"),
    "131050": (GIVE_UP, "the receiver has opted out of marketing"),
    "131051": (GIVE_UP, "message type is not supported"),
    "131052": (GIVE_UP, "media of the customer could not be downloaded"),
    "135000": (GIVE_UP, "wrong parameters"),
    # templates
    "132000": (GIVE_UP, "wrong number of template parameters"),
    "132001": (GIVE_UP, "the template does not exist in this language"),
    "132005": (GIVE_UP, "the translated template is too long"),
    "132007": (GIVE_UP, "the template violates a policy"),
    "132012": (GIVE_UP, "wrong format of a template parameter"),
    "132015": (ALARM, "the template is paused"),
    "132016": (ALARM, "the template is disabled"),
    "132068": (GIVE_UP, "the flow is blocked"),
    "132069": (GIVE_UP, "the flow is throttled"),
}


def disposition(code: str | None) -> Disposition | None:
    """What to do about this code; None for no code, or one that is not in the table."""
    return ERRORS[code][0] if code in ERRORS else None


def meaning(code: str | None) -> str:
    """The code in words that are safe to log: "" when it is not in the table."""
    return ERRORS[code][1] if code in ERRORS else ""
