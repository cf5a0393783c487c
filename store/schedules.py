"""Rules on a schedule: when each is due next, and the conversations that it then looks at."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from domain.rules import Rule, Trigger
from domain.rules import schedule as times
from domain.workspace import Profile
from store import timers
from store.db import Dispatch, Tx

_KNOWN = text("select rule, plan from rule_due")
_PUT = text(
    "insert into rule_due (workspace_id, rule, plan, due_at) values (:w, :rule, :plan, :due)"
    " on conflict (workspace_id, rule) do update set plan = excluded.plan, due_at = excluded.due_at, lease_until = null"
)
_KEEP = text("delete from rule_due where not rule = any(:rules)")
_CLAIM = text(
    "update rule_due set lease_until = frontdesk_now() + :lease where (workspace_id, rule) in"
    " (select workspace_id, rule from rule_due where due_at <= frontdesk_now()"
    " and (lease_until is null or lease_until < frontdesk_now())"
    " and (cast(:only as uuid) is null or workspace_id = :only) order by due_at limit :limit for update skip locked)"
    " returning workspace_id, rule"
)
_TAKE = text("select due_at from rule_due where rule = :rule and due_at <= frontdesk_now() for update")
_NEXT_DUE = text(
    "select extract(epoch from min(due_at) - frontdesk_now())::float from rule_due"
    " where cast(:only as uuid) is null or workspace_id = :only"
)
_SPREAD = text(
    "insert into timer (workspace_id, id, kind, conversation_id, fire_at, details)"
    " select workspace_id, uuidv7(), :kind, id, frontdesk_now(), jsonb_build_object('rule', cast(:rule as text))"
    " from conversation where state <> 'closed'"
)


def of(profile: Profile) -> dict[str, Rule]:
    """The rules on a schedule, by name."""
    found = [Rule.model_validate(one) for one in profile.rules if one.get("on") == Trigger.SCHEDULE]
    return {rule.name: rule for rule in found if rule.enabled}


async def plan(tx: Tx, profile: Profile) -> None:
    """Each rule's next time. One whose plan stays keeps its time, also one that has come and is not worked on yet."""
    zone, rules = profile.workspace.timezone, of(profile)
    await tx.execute(_KEEP, {"rules": list(rules)})
    known = {row.rule: row.plan for row in await tx.execute(_KNOWN)} if rules else {}
    for name, rule in rules.items():
        written = times.plan(rule, zone)
        if known.get(name) != written:
            due = times.next_due(rule, zone, tx.now)
            await tx.execute(_PUT, {"w": tx.workspace_id, "rule": name, "plan": written, "due": due})


async def claim(
    dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None
) -> list[tuple[UUID, str]]:
    """(workspace, rule) pairs that are due, ours until the lease ends."""
    rows = await dispatch.db.execute(_CLAIM, {"limit": limit, "lease": lease, "only": only})
    return [(row.workspace_id, row.rule) for row in rows]


async def next_due_s(dispatch: Dispatch, only: UUID | None) -> float | None:
    found: float | None = await dispatch.db.scalar(_NEXT_DUE, {"only": only})
    return found


async def spread(tx: Tx, profile: Profile, name: str) -> bool:
    """A timer for every open conversation, and the next time, in one transaction: each is looked at once, whatever dies.
    Times that passed while nobody looked count as one. False when somebody did it before."""
    rule = of(profile).get(name)
    if rule is None or (await tx.execute(_TAKE, {"rule": name})).first() is None:
        return False
    zone = profile.workspace.timezone
    await tx.execute(_SPREAD, {"kind": timers.SCHEDULED, "rule": name})
    due = times.next_due(rule, zone, tx.now)
    await tx.execute(_PUT, {"w": tx.workspace_id, "rule": name, "plan": times.plan(rule, zone), "due": due})
    return True
