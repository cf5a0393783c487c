"""A past: conversations with real customers' addresses and messages that open, written by SQL in seconds."""

from dataclasses import dataclass
from uuid import UUID

import psycopg

from bench.crew import Crew
from store.db import Tx

WORDS = "Thank you, see you on Tuesday at three. Please bring your insurance card."

# A tenth of the customers have written a hundred times, the others ten times: nineteen on average.
_FILL = """
set session_replication_role = replica;
create temp table past as
  select n, uuidv7() as contact, uuidv7() as address, uuidv7() as conversation, uuidv7() as thread,
         case when n % 10 = 0 then 100 else 10 end as length
  from generate_series(0, {last}) n;
insert into contact (workspace_id, id) select '{w}', contact from past;
insert into contact_address (workspace_id, id, contact_id, scheme, value, value_hash, last_inbound_at)
  select '{w}', address, contact, 'tel', '\\x00', decode(md5('past' || n), 'hex'), now() from past;
insert into conversation (workspace_id, id, contact_id, last_seq, answered_seq)
  select '{w}', conversation, contact, length, length from past;
insert into thread (workspace_id, id, conversation_id, channel_id, address_id, last_inbound_at)
  select '{w}', thread, conversation, '{channel}', address, now() from past;
create temp table said as
  select p.conversation, p.thread, p.address, seq, uuidv7() as id, uuidv7() as turn, uuidv7() as delivery,
         seq % 2 = 0 as out, now() - interval '90 days' * random() as at
  from past p, generate_series(1, p.length) seq;
insert into turn (workspace_id, id, conversation_id, epoch, first_seq, base_seq, state, action, started_at)
  select '{w}', turn, conversation, 1, seq - 1, seq - 1, 'saved', 'send', at from said where out;
insert into message (workspace_id, id, conversation_id, thread_id, seq, direction, author, purpose, body, discloses,
                     turn_id, created_at)
  select '{w}', id, conversation, thread, seq, case when out then 'out' else 'in' end,
         case when out then 'ai' else 'contact' end, case when out then 'reply' else 'inbound' end,
         '\\x{body}', seq = 2, case when out then turn end, at from said;
insert into inbound_receipt (workspace_id, id, channel_id, kind, provider_event_id, payload, received_at)
  select '{w}', uuidv7(), '{channel}', 'message', 'SM' || id, '\\x00', at from said where not out;
insert into delivery (workspace_id, id, message_id, conversation_id, thread_id, channel_id, address_id, seq, body, state,
                      provider_id, attempts, next_attempt_at, created_at)
  select '{w}', delivery, id, conversation, thread, '{channel}', address, seq, '\\x00', 'delivered', 'SM' || delivery, 1,
         at, at from said where out;
insert into delivery_attempt (workspace_id, delivery_id, n, started_at, finished_at, outcome, provider_id)
  select '{w}', delivery, 1, at, at, 'accepted', 'SM' || delivery from said where out;
drop table past, said;
set session_replication_role = origin;
"""
_LENGTH = 19
_KNOWN = (
    "update contact_address set value = %s, value_hash = %s where workspace_id = %s and id ="
    " (select id from contact_address where workspace_id = %s and value = '\\x00' limit 1)"
)
CUSTOMERS = 1000
"""Of the past's customers, these many write again."""


@dataclass(frozen=True, slots=True)
class Past:
    messages: int
    handsets: list[str]
    """Customers who have written before."""


async def fill(owner_url: str, crew: Crew, messages: int) -> Past:
    business = crew.businesses[0]
    last = max(messages // _LENGTH, 10) - 1
    handsets = [f"+1512{7_000_000 + n}" for n in range(min(CUSTOMERS, last + 1))]
    async with crew.rt.db.transaction(business.id) as tx:
        body = tx.vault.seal("message.body", WORDS).hex()
        known = [_known(tx, business.id, one) for one in handsets]
    async with await psycopg.AsyncConnection.connect(owner_url, autocommit=True) as owner:
        await owner.execute(_FILL.format(w=business.id, channel=business.channel_id, last=last, body=body))
        async with owner.cursor() as cursor:
            await cursor.executemany(_KNOWN, known)
            await cursor.execute("vacuum (analyze)")
            row = await (await cursor.execute("select count(*) from message")).fetchone()
    return Past(row[0] if row else 0, handsets)


def _known(tx: Tx, workspace_id: UUID, handset: str) -> tuple[bytes, bytes, UUID, UUID]:
    value = tx.vault.seal("contact_address.value", handset)
    return value, tx.vault.hash("tel", handset), workspace_id, workspace_id
