"""After a backup was put back: what it takes for unsent may have left since it was made. Nothing of that leaves before
the provider was asked, and where a new answer would be made, a person looks first."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from domain.messages import Inbound
from domain.workspace import Profile
from store import audit, conversations, drafts, inbox, outbox, receipts, workspaces
from store.channels import ChannelRow
from store.db import Tx

REASON = "restored"
OVERLAP = timedelta(minutes=10)
"""The provider's clock is not ours, and a webhook comes later than the message."""

# One that waited in the backup may have been sent from the moment it was written: that is when the search begins.
_UNKNOWN = text(
    "with open as (select id, state, attempts, created_at from delivery where state in ('queued', 'sending', 'unknown')"
    "   for update),"
    " tried as (insert into delivery_attempt (workspace_id, delivery_id, n, started_at, outcome, detail)"
    "   select :w, id, attempts + 1, created_at, 'unknown', :reason from open where state = 'queued')"
    " update delivery d set state = 'unknown', reason = :reason, lease_until = null, updated_at = frontdesk_now(),"
    " attempts = d.attempts + case o.state when 'queued' then 1 else 0 end,"
    " next_attempt_at = frontdesk_now() + :after from open o where d.id = o.id returning d.id"
)
# Its message may have been answered since, and its draft approved.
_STALE = text(
    "select c.id, c.owner from conversation c where c.state <> 'closed' and ((c.owner = 'ai' and c.due_at is not null)"
    " or exists (select from draft d where d.workspace_id = c.workspace_id and d.conversation_id = c.id"
    "   and d.state = 'pending')) order by c.id for update"
)
# The newest trace of the world outside: what came after it, came after the backup.
_NEWEST = text(
    "select coalesce((select max(received_at) from inbound_receipt), (select created_at from workspace)) as at"
)
_TOUCHED = text(
    "select c.id, c.owner = 'ai' and c.due_at is not null as waits from message m"
    " join thread t on t.workspace_id = m.workspace_id and t.id = m.thread_id"
    " join conversation c on c.workspace_id = m.workspace_id and c.id = m.conversation_id"
    " where t.channel_id = :channel order by m.id desc limit 1"
)


@dataclass(frozen=True, slots=True)
class Fenced:
    deliveries: int
    """Of which the provider is asked whether they have left."""
    conversations: int
    """In which a person looks first."""


async def fence(tx: Tx, look_after: timedelta) -> Fenced:
    """Make this workspace fit to run again. Doing it twice does no harm."""
    while places := await receipts.due(
        tx, "message", 500
    ):  # acknowledged before: a person looks at those too
        await inbox.read(tx, await receipts.opened(tx, places))
    unknown = await tx.execute(_UNKNOWN, {"w": tx.workspace_id, "reason": REASON, "after": look_after})
    deliveries = len(unknown.all())
    stale = (await tx.execute(_STALE)).all()
    pause = (await workspaces.get(tx)).profile.policy.pause_after_human
    for row in stale:
        if row.owner == "ai":
            await conversations.hand_to_person(tx, row.id, None, REASON, pause, answered=True)
        else:
            await drafts.supersede(tx, row.id)
    for row in stale:
        await audit.add(tx, "system", "conversation_handed_off", "conversation", row.id, reason=REASON)
    await audit.add(
        tx, "system", "database_restored", "workspace", tx.workspace_id, deliveries=deliveries,
        conversations=len(stale),
    )  # fmt: skip
    return Fenced(deliveries, len(stale))


async def since(tx: Tx) -> datetime:
    """From when on the provider may hold messages that this database has forgotten."""
    newest: datetime = (await tx.execute(_NEWEST)).scalar_one()
    return newest - OVERLAP


async def recover(tx: Tx, channel: ChannelRow, profile: Profile, event: Inbound) -> bool:
    """Store a message that came after the backup. An opt-out holds again; nothing is sent, because it may have been
    answered: a person looks. False when it was known."""
    if not await receipts.unseen(tx, channel, [event], tx.now):
        return False
    await inbox.save(tx, channel, profile, [event])
    row = (await tx.execute(_TOUCHED, {"channel": channel.id})).one()
    await outbox.cancel(tx, row.id, REASON)
    if row.waits:
        pause = profile.policy.pause_after_human
        await conversations.hand_to_person(tx, row.id, None, REASON, pause, answered=True)
        await audit.add(tx, "system", "conversation_handed_off", "conversation", row.id, reason=REASON)
    return True
