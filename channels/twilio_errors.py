"""Twilio's error codes and what to do about each, for refused requests and for delivery reports alike.

https://www.twilio.com/docs/api/errors — the words are Twilio's titles, shortened; they name no customer.
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
    # the account and the request
    "20003": (ALARM, "authentication failed"),
    "20005": (ALARM, "account not active"),
    "20404": (ALARM, "account or resource not found"),
    "20429": (RETRY, "too many requests; this one was not processed"),
    "20503": (RETRY, "service unavailable"),
    # refused at once
    "21211": (SUPPRESS, "invalid 'To' number"),
    "21212": (ALARM, "invalid 'From' number"),
    "21215": (ALARM, "geo-permission: account not authorised for this country"),
    "21217": (SUPPRESS, "the number does not appear to be valid"),
    "21265": (GIVE_UP, "'To' cannot be a short code"),
    "21266": (GIVE_UP, "'To' and 'From' are the same"),
    "21408": (ALARM, "permission to send to this region is not enabled"),
    "21602": (GIVE_UP, "message body is required"),
    "21603": (ALARM, "'From' is required"),
    "21604": (GIVE_UP, "'To' is required"),
    "21605": (GIVE_UP, "body is too long"),
    "21606": (ALARM, "'From' is not a message-capable number of this account"),
    "21608": (ALARM, "trial account: 'To' is not verified"),
    "21609": (ALARM, "invalid status callback URL"),
    "21610": (SUPPRESS, "the recipient has opted out"),
    "21611": (RETRY, "this 'From' number has too many messages queued"),
    "21612": (GIVE_UP, "'To' and 'From' cannot be connected"),
    "21614": (SUPPRESS, "'To' is not a mobile number"),
    "21617": (GIVE_UP, "body exceeds 1600 characters"),
    "21619": (GIVE_UP, "a body, media or content is required"),
    "21620": (GIVE_UP, "invalid media URL"),
    "21623": (GIVE_UP, "too many media"),
    "21635": (SUPPRESS, "'To' is a landline"),
    "21654": (GIVE_UP, "template not found"),
    "21655": (GIVE_UP, "template is not usable"),
    "21656": (GIVE_UP, "invalid template variables"),
    "21659": (ALARM, "'From' is not a Twilio number or short code"),
    "21660": (ALARM, "'From' does not belong to this account"),
    "21703": (ALARM, "the messaging service has no numbers"),
    "21705": (ALARM, "the messaging service is invalid"),
    # reported later by carriers
    "30001": (RETRY, "queue overflow"),
    "30002": (ALARM, "account suspended"),
    "30003": (RETRY, "unreachable handset"),
    "30004": (GIVE_UP, "message blocked"),
    "30005": (SUPPRESS, "unknown handset"),
    "30006": (SUPPRESS, "landline or unreachable carrier"),
    "30007": (GIVE_UP, "filtered by a carrier or by Twilio"),
    "30008": (RETRY, "unknown error"),
    "30010": (GIVE_UP, "price exceeds the allowed maximum"),
    "30011": (GIVE_UP, "MMS is not supported there"),
    "30012": (GIVE_UP, "validity period too small"),
    "30017": (RETRY, "carrier network congestion"),
    "30018": (ALARM, "the country wants a registered sender"),
    "30019": (GIVE_UP, "content too large for the carrier"),
    "30022": (RETRY, "10DLC rate limit"),
    "30023": (RETRY, "10DLC daily cap"),
    "30024": (ALARM, "sender is not provisioned at the carrier"),
    "30025": (RETRY, "10DLC daily cap of the brand"),
    "30026": (RETRY, "10DLC daily cap of the brand"),
    "30027": (RETRY, "10DLC daily cap of the campaign"),
    "30032": (ALARM, "toll-free number is not verified"),
    "30034": (ALARM, "number is not registered for 10DLC"),
    "30036": (GIVE_UP, "validity period expired"),
    "30037": (ALARM, "outbound messaging is disabled"),
    "30410": (RETRY, "provider timeout"),
    # WhatsApp and other channels
    "63003": (SUPPRESS, "the channel does not know this recipient"),
    "63007": (ALARM, "the channel does not know this sender"),
    "63009": (RETRY, "the channel answered with a server error"),
    "63012": (RETRY, "the channel failed internally"),
    "63013": (GIVE_UP, "violates the channel's policy"),
    "63016": (NEEDS_TEMPLATE, "outside the 24 hour window: needs a template"),
    "63017": (RETRY, "rate limit of the channel"),
    "63018": (RETRY, "rate limit of the channel"),
    "63024": (SUPPRESS, "invalid recipient on the channel"),
    "63026": (GIVE_UP, "refused by the channel for its content"),
    "63027": (GIVE_UP, "template does not exist in this language"),
    "63028": (GIVE_UP, "wrong number of template variables"),
    "63032": (SUPPRESS, "the channel limits messages to this user"),
    "63033": (SUPPRESS, "the recipient blocks our messages"),
    "63041": (ALARM, "template paused"),
}
OPTED_OUT = frozenset({"21610"})


def disposition(code: str | None) -> Disposition | None:
    """What to do about this code; None for no code, or one that is not in the table."""
    return ERRORS[code][0] if code in ERRORS else None


def meaning(code: str | None) -> str:
    """Twilio's words for the code, safe to log: "" when it is not in the table."""
    return ERRORS[code][1] if code in ERRORS else ""
