"""Who may do what: one matrix of roles and rights. Pure data; `admin_api.auth` asks it at every request."""

from collections.abc import Collection, Mapping
from enum import StrEnum


class Right(StrEnum):
    """What a route asks for. A key's scopes are named the same; `*` is all that its role has."""

    READ = "read"  # see conversations, contacts, drafts, the configuration
    WRITE = "write"  # the daily work: reply, take over, decide about drafts, correct what is known
    CONFIGURE = "configure"  # channels, schemas, rules, documents, templates, the workspace itself
    PEOPLE = "people"  # invite people, change their roles, disable them
    OWNERS = "owners"  # the same for owners
    KEYS = "keys"  # make and revoke API keys
    AUDIT = "audit"  # read who did what
    ERASE = "erase"  # hand out or take away everything that is kept of a customer
    OWN = "own"  # one's own notifications, preferences, password


_SEES = frozenset({Right.READ, Right.OWN})
_WORKS = _SEES | {Right.WRITE}
_RUNS = _WORKS | {Right.CONFIGURE, Right.PEOPLE, Right.KEYS, Right.AUDIT, Right.ERASE}

ROLES: Mapping[str, frozenset[Right]] = {
    "viewer": _SEES,
    "agent": _WORKS,
    "admin": _RUNS,
    "owner": _RUNS | {Right.OWNERS},
}
"""Each role has all that the one before has."""
EVERYTHING = "*"
SCOPES = (EVERYTHING, *(str(right) for right in Right))


def may(role: str, scopes: Collection[str], right: Right) -> bool:
    """A key may do what its role may and its scopes name; somebody signed in has the scope `*`."""
    return right in ROLES.get(role, ()) and (EVERYTHING in scopes or right in scopes)


def lesser(one: str, other: str) -> str:
    """The weaker of two roles."""
    order = tuple(ROLES)
    return order[min(order.index(one), order.index(other))]


def covers(scopes: Collection[str], wanted: Collection[str]) -> bool:
    """Whether nothing is wanted that `scopes` do not hold."""
    return EVERYTHING in scopes or set(wanted) <= set(scopes)
