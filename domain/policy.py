"""May this be said without asking a person? One table, read from the top; the first row that fits decides."""

import re

from domain.turn import Action, Decision, Reply, Understanding
from domain.workspace import Policy, Posture, Reason

URGENT = frozenset({"emergency", "threat", "legal", "urgent", "want_human"})
"""These reach a person whatever the policy says."""
COURTESIES = frozenset({"thanks", "goodbye", "acknowledgement"})
"""Kinds of reply that need not be said twice."""
REQUESTS = frozenset({"request", "media"})
"""Kinds of reply that promise a person's attention."""
_MONEY = re.compile(
    r"[$€£]\s?\d|\b\d[\d.,]*\s?(?:usd|eur|dollars?|euros?|bucks|d[oó]lares|pesos)\b", re.IGNORECASE
)


def decide(
    reply: Reply | None,
    understood: Understanding,
    policy: Policy,
    *,
    said_before: bool = False,
    asks: bool = False,
) -> Decision:
    """`said_before`: our last message had these very words. `asks`: the customer wants an answer."""
    if policy.default is Posture.OFF:
        return _while_off(understood)
    if understood.intent == "emergency":
        return Decision(Action.HANDOFF, "emergency")
    if understood.automatic:
        return _to_a_machine(asks)
    if understood.intent in URGENT:
        return Decision(Action.HANDOFF, understood.intent)
    if reply is None or not reply.text:
        return Decision(Action.HANDOFF, "unknown") if asks else Decision(Action.SILENCE, "nothing_to_say")
    if said_before and reply.kind in COURTESIES and not asks:
        return Decision(Action.SILENCE, "said_already")
    return _about(reply, understood, policy)


def mentions_money(text: str) -> bool:
    return bool(_MONEY.search(text))


def may_hold(policy: Policy, decision: Decision) -> bool:
    """Whether the customer is told anything when a person takes over: in an emergency always, while the
    assistant is off never, and else if it may speak without approval."""
    if policy.default is Posture.OFF:
        return False
    if decision.reason in ("emergency", "urgent"):
        return True
    return speaks_alone(policy) and decision.reason != "ungrounded"


def speaks_alone(policy: Policy) -> bool:
    return policy.default is Posture.AUTO and Reason.ALL not in policy.approve


def _while_off(understood: Understanding) -> Decision:
    if understood.intent in URGENT:
        return Decision(Action.HANDOFF, understood.intent)
    return Decision(Action.SILENCE, "policy_off")


def _to_a_machine(asks: bool) -> Decision:
    """Two machines must not thank each other for ever; a question still reaches a person."""
    return Decision(Action.DRAFT, "automatic") if asks else Decision(Action.SILENCE, "automatic")


def _about(reply: Reply, understood: Understanding, policy: Policy) -> Decision:
    approve, drafts = policy.approve, policy.default is Posture.DRAFT or Reason.ALL in policy.approve
    if not reply.grounded:
        return Decision(Action.DRAFT, "ungrounded")
    if reply.kind == "fair_housing":
        return Decision(Action.DRAFT, "fair_housing")
    if understood.intent == "complaint":
        return _person(drafts or Reason.COMPLAINT in approve, "complaint")
    if reply.kind == "unknown":
        return _person(drafts or Reason.UNKNOWN in approve, "unknown")
    if reply.approve:
        return Decision(Action.DRAFT, reply.approve)
    if Reason.MONEY in approve and mentions_money(_not_published(reply)):
        return Decision(Action.DRAFT, "money")
    if Reason.LOW_CONFIDENCE in approve and reply.confidence < policy.confidence:
        return Decision(Action.DRAFT, "low_confidence")
    if drafts:
        return Decision(Action.DRAFT, "all" if Reason.ALL in approve else "policy_draft")
    if reply.kind in REQUESTS:
        return Decision(Action.HANDOFF, reply.kind)
    return Decision(Action.SEND, "answered")


def _not_published(reply: Reply) -> str:
    return reply.text.replace(reply.published, "") if reply.published else reply.text


def _person(draft: bool, reason: str) -> Decision:
    return Decision(Action.DRAFT if draft else Action.HANDOFF, reason)
