"""Where conversations stand, and what rules want: status, tags, priority, who looks after it, who is told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from domain.rules.effects import Assign, Fired, SetPriority, SetStatus, SetTag, Tell, WaitThen
from domain.rules.rule import FROM_LOG, Trigger
from domain.turn import Standing
from domain.workspace import Profile, read_duration
from store import audit, events, notifications, timers
from store.db import Dispatch, Tx, new_id

_STANDING = text(
    "select status, status_at, priority, tags, owner, schema_name, schema_source from conversation where id = :id"
)
_SPENT = text(
    "select rule, bool_or(conversation_id = :conversation) as conversation, bool_or(at >= :today) as day"
    " from rule_run where contact_id = :contact group by rule"
)
_STATUS = text(
    "update conversation set status = nullif(:status, ''), status_at = frontdesk_now() where id = :id"
    " and coalesce(status, '') = :before returning id"
)
_TAG = text(
    "update conversation set tags = case when :on then array_append(array_remove(tags, :tag), :tag)"
    " else array_remove(tags, :tag) end where id = :id and (:tag = any(tags)) <> :on"
)
_PRIORITY = text("update conversation set priority = :priority where id = :id and priority <> :priority")
_PERSON = text("select id from person where email_hash = :hash and state = 'active'")
_OF_ROLE = text(
    "select p.id from person p where p.role = :role and p.state = 'active' order by (select count(*) from conversation c"
    " where c.workspace_id = p.workspace_id and c.assignee_id = p.id and c.state <> 'closed'), p.id limit 1"
)
_ASSIGN = text("update conversation set assignee_id = :person where id = :id")
_FIRED = text(
    "insert into rule_run (workspace_id, id, rule, trigger, conversation_id, contact_id, turn_id, did, why)"
    " values (:w, :id, :rule, :trigger, :conversation, :contact, :turn, :did, :why)"
)
_RUNS = text(
    "select id, rule, trigger, conversation_id, contact_id, turn_id, did, why, at from rule_run"
    " where (cast(:rule as text) is null or rule = :rule)"
    " and (cast(:conversation as uuid) is null or conversation_id = :conversation)"
    " and (cast(:before as uuid) is null or id < :before) order by id desc limit :limit"
)
_COUNTS = text(
    "select rule, count(*) as times, max(at) as last_at, count(distinct conversation_id) as conversations"
    " from rule_run where at >= :since group by rule order by rule"
)
_UNWIND = text(
    "update timer set state = 'cancelled' where conversation_id = :conversation and kind = :kind and state = 'pending'"
    " and details->>'rule' = :rule"
)
_SAID_AT = text("select created_at from message where conversation_id = :conversation and seq = :seq")
_NEWEST_SEQ = text(
    "select coalesce(max(seq), 0) from message where conversation_id = :conversation and direction = 'in'"
    " and kind not in ('reaction', 'system')"
)
_OFTEN = text(
    "select count(*) from rule_run where rule = :rule and conversation_id = :conversation and at >= :since"
)
_FOLLOW = text(
    "insert into rule_cursor (workspace_id, tx, n) values (:w, :tx, :n) on conflict (workspace_id) do nothing"
)
_UNFOLLOW = text("delete from rule_cursor where workspace_id = :w")
_FOLLOWERS = text(
    "select workspace_id, tx, n from rule_cursor where cast(:only as uuid) is null or workspace_id = :only"
)
_UNHEARD = text(
    "select w.id from workspace w where not exists (select from rule_cursor c where c.workspace_id = w.id)"
    " and (cast(:only as uuid) is null or w.id = :only) order by w.id"
)
_HOLD_PLACE = text("select tx, n from rule_cursor for update skip locked")
_MOVE_PLACE = text("update rule_cursor set tx = :tx, n = :n")
ROLES = ("owner", "admin", "agent", "viewer")


async def standing(tx: Tx, conversation_id: UUID, contact_id: UUID, profile: Profile) -> Standing:
    """As it is now; what rules have done once is only looked up when some may act only once."""
    row = (await tx.execute(_STANDING, {"id": conversation_id})).one()
    spent = await _spent(tx, conversation_id, contact_id, profile) if profile.rules else frozenset[str]()
    return Standing(
        row.status or "", row.status_at, row.priority, tuple(row.tags), spent, row.owner, row.schema_name or "",
        row.schema_source or "",
    )  # fmt: skip


async def _spent(tx: Tx, conversation_id: UUID, contact_id: UUID, profile: Profile) -> frozenset[str]:
    once = {rule["name"]: rule["once"] for rule in profile.rules if rule.get("once", "always") != "always"}
    if not once:
        return frozenset()
    today = _midnight(tx, profile)
    rows = await tx.execute(_SPENT, {"conversation": conversation_id, "contact": contact_id, "today": today})
    return frozenset(row.rule for row in rows if _is_spent(once.get(row.rule, ""), row))


def _is_spent(once: str, row: Any) -> bool:
    return bool({"conversation": row.conversation, "contact": True, "day": row.day}.get(once, False))


def _midnight(tx: Tx, profile: Profile) -> datetime:
    local = tx.now.astimezone(ZoneInfo(profile.workspace.timezone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


async def set_status(tx: Tx, conversation_id: UUID, effect: SetStatus) -> bool:
    """False when the status is another by now: whoever came first decided."""
    values = {"id": conversation_id, "status": effect.status, "before": effect.before}
    if (await tx.execute(_STATUS, values)).first() is None:
        return False
    await timers.cancel(tx, timers.STATUS_AGES, conversation_id)
    for wait in effect.again:
        await timers.set_(tx, timers.STATUS_AGES, conversation_id, tx.now + wait)
    await audit.add(
        tx,
        effect.actor,
        "status_changed",
        "conversation",
        conversation_id,
        before=effect.before,
        status=effect.status,
    )
    return True


async def tag(tx: Tx, conversation_id: UUID, effect: SetTag) -> None:
    await tx.execute(_TAG, {"id": conversation_id, "tag": effect.tag, "on": effect.on})


async def set_priority(tx: Tx, conversation_id: UUID, effect: SetPriority) -> None:
    await tx.execute(_PRIORITY, {"id": conversation_id, "priority": effect.priority})


async def assign(tx: Tx, conversation_id: UUID, effect: Assign) -> None:
    """Nobody fits: it stays with whoever has it, and the owner is told."""
    person = await _person(tx, effect.to)
    if person is None:
        await notifications.add(
            tx,
            notifications.Kind.RULE,
            conversation_id=conversation_id,
            reason="nobody_to_assign",
            roles=("owner",),
        )
        return
    await tx.execute(_ASSIGN, {"id": conversation_id, "person": person})
    await notifications.add(
        tx,
        notifications.Kind.RULE,
        conversation_id=conversation_id,
        reason="assigned",
        roles=ROLES,
        person_id=person,
    )


async def _person(tx: Tx, to: str) -> UUID | None:
    if to in ROLES:
        found: UUID | None = (await tx.execute(_OF_ROLE, {"role": to})).scalar_one_or_none()
        return found
    found = (await tx.execute(_PERSON, {"hash": tx.vault.hash("email", to.lower())})).scalar_one_or_none()
    return found


async def tell(tx: Tx, conversation_id: UUID, effect: Tell) -> None:
    kind = notifications.Kind.RULE
    if not effect.people:
        await notifications.add(
            tx,
            kind,
            conversation_id=conversation_id,
            reason=effect.rule,
            words=effect.words,
            roles=effect.roles,
        )
    for email in effect.people:
        if (person := await _person(tx, email)) is not None:
            await notifications.add(
                tx, kind, conversation_id=conversation_id, reason=effect.rule, words=effect.words, roles=ROLES,
                person_id=person,
            )  # fmt: skip


async def fired(tx: Tx, conversation_id: UUID, contact_id: UUID, turn_id: UUID | None, effect: Fired) -> None:
    values: dict[str, Any] = {"w": tx.workspace_id, "id": new_id(), "conversation": conversation_id}
    values |= {
        "contact": contact_id,
        "rule": effect.rule,
        "trigger": effect.trigger,
        "did": list(effect.did),
        "turn": turn_id,
    }
    await tx.execute(_FIRED, values | {"why": effect.why})


async def wait(tx: Tx, conversation_id: UUID, effect: WaitThen) -> None:
    details = {"rule": effect.rule, "step": effect.step}
    await timers.set_(tx, timers.RULE_WAITS, conversation_id, tx.now + effect.wait, details=details)


async def wind(tx: Tx, conversation_id: UUID, profile: Profile, seq: int, *, changed: bool) -> None:
    """Sets the timers of rules about silence, anew with every message, and of those about time since the context
    last changed."""
    for rule in profile.rules:
        on = rule.get("on")
        if on == Trigger.CONVERSATION_IDLE or (on == Trigger.TIME_ELAPSED and changed):
            kind = timers.IDLE if on == Trigger.CONVERSATION_IDLE else timers.ELAPSED
            await tx.execute(_UNWIND, {"conversation": conversation_id, "kind": kind, "rule": rule["name"]})
            span = read_duration(rule["after"])
            begun = (
                await tx.execute(_SAID_AT, {"conversation": conversation_id, "seq": seq})
            ).scalar_one_or_none()
            at = (begun or tx.now) + (span if isinstance(span, timedelta) else timedelta(seconds=float(span)))
            details = {"rule": rule["name"], "seq": seq}
            await timers.set_(tx, kind, conversation_id, at, details=details)


async def newest_seq(tx: Tx, conversation_id: UUID) -> int:
    """Of what the customer wrote last."""
    found: int = (await tx.execute(_NEWEST_SEQ, {"conversation": conversation_id})).scalar_one()
    return found


async def often(tx: Tx, rule: str, conversation_id: UUID, window: timedelta) -> int:
    """How often it did something here of late."""
    values = {"rule": rule, "conversation": conversation_id, "since": tx.now - window}
    found: int = (await tx.execute(_OFTEN, values)).scalar_one()
    return found


def reads_log(profile: Profile) -> bool:
    """Some rule, or the workflow, waits for what only the log tells: also for what a person sets in a context."""
    flows = [step for schema in profile.schemas for step in schema.workflow.get("transitions", ())]
    waits = FROM_LOG | {Trigger.CONTEXT_CHANGED}
    rules = any(rule.get("on") in waits for rule in profile.rules)
    return rules or any(step.get("on") or step.get("when") for step in flows)


async def follow(tx: Tx, *, wanted: bool) -> None:
    """Whether the workspace has rules that wait for the log. They see what happens from now on."""
    if not wanted:
        await tx.execute(_UNFOLLOW, {"w": tx.workspace_id})
        return
    place = await events.now(tx)
    await tx.execute(_FOLLOW, {"w": tx.workspace_id, "tx": place.tx, "n": place.n})


async def unheard(dispatch: Dispatch, only: UUID | None) -> list[UUID]:
    """Workspaces that follow no log: most need none, but software that knew fewer rules may have left one out."""
    return [row.id for row in await dispatch.db.execute(_UNHEARD, {"only": only})]


async def followers(dispatch: Dispatch, only: UUID | None) -> dict[UUID, events.Place]:
    rows = await dispatch.db.execute(_FOLLOWERS, {"only": only})
    return {row.workspace_id: events.Place(row.tx, row.n) for row in rows}


async def hold_place(tx: Tx) -> events.Place | None:
    """How far the workspace has read; None while somebody else is reading."""
    row = (await tx.execute(_HOLD_PLACE)).first()
    return events.Place(row.tx, row.n) if row else None


async def move_place(tx: Tx, place: events.Place) -> None:
    await tx.execute(_MOVE_PLACE, {"tx": place.tx, "n": place.n})


async def runs(
    tx: Tx, *, rule: str | None, conversation_id: UUID | None, before: UUID | None, limit: int
) -> Sequence[Any]:
    """Newest first."""
    values = {"rule": rule, "conversation": conversation_id, "before": before, "limit": limit}
    return (await tx.execute(_RUNS, values)).all()


async def counts(tx: Tx, since: datetime) -> Sequence[Any]:
    """Of each rule that did something: times, conversations, when last."""
    return (await tx.execute(_COUNTS, {"since": since})).all()
