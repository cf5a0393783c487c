-- What happened in a workspace, in the order in which it may be read: for live pages, rules, outgoing webhooks, figures.
--
-- The order is (tx, n). `tx` is the writing transaction's number, so that nobody waits for anybody to write; rows are read
-- only below the oldest transaction that is still running (frontdesk_event_horizon), so that none ever appears before
-- one that was read. A database that is restored elsewhere counts its transactions anew: installation.event_base, which
-- `frontdesk migrate --restored` raises, keeps the numbers growing.
alter table installation add column event_base bigint not null default 0;

create function frontdesk_event_tx() returns bigint language sql volatile as
$$ select coalesce((select event_base from installation), 0) + pg_current_xact_id()::text::bigint $$;

create function frontdesk_event_horizon() returns bigint language sql stable as
$$ select coalesce((select event_base from installation), 0) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint $$;

create table event (
  workspace_id uuid not null references workspace,
  tx bigint not null default frontdesk_event_tx(),
  n bigint generated always as identity,
  kind text not null,                   -- a noun and what became of it: message.received, draft.approved
  conversation_id uuid,
  subject_id uuid,                      -- of the noun; of deliveries and attachments: their message
  details jsonb not null default '{}',  -- ids, codes and counts; never words, names or numbers
  at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, tx, n)
);
create index event_at on event using brin (at);

alter table event enable row level security;
alter table event force row level security;
create policy one_workspace on event to frontdesk_app
  using (workspace_id = frontdesk_workspace()) with check (workspace_id = frontdesk_workspace());
grant select, insert on event to frontdesk_app;
create policy find_work on event to frontdesk_dispatch using (true);
grant select (workspace_id, tx, n, at), delete on event to frontdesk_dispatch;
create policy erase on event to frontdesk_eraser using (workspace_id = frontdesk_workspace());
grant select, delete on event to frontdesk_eraser;

-- The database writes them itself: in the transaction of the change, without another round trip, and none is forgotten,
-- whichever version of the program made the change. They decide nothing.
create function frontdesk_log_message() returns trigger language plpgsql as $$ begin
  insert into event (workspace_id, kind, conversation_id, subject_id, details)
  values (new.workspace_id, case new.direction when 'in' then 'message.received' else 'message.queued' end,
          new.conversation_id, new.id, jsonb_build_object('seq', new.seq, 'author', new.author, 'kind', new.kind));
  return null;
end $$;
create trigger log after insert on message for each row execute function frontdesk_log_message();

create function frontdesk_log_delivery() returns trigger language plpgsql as $$ begin
  insert into event (workspace_id, kind, conversation_id, subject_id, details)
  values (new.workspace_id, 'delivery.' || new.state, new.conversation_id, new.message_id,
          jsonb_strip_nulls(jsonb_build_object('seq', new.seq, 'part', new.part, 'reason', new.reason,
                                               'error_code', new.error_code)));
  return null;
end $$;
create trigger log after update of state on delivery for each row
  when (old.state is distinct from new.state and new.state <> 'sending') execute function frontdesk_log_delivery();

create function frontdesk_log_draft() returns trigger language plpgsql as $$ begin
  insert into event (workspace_id, kind, conversation_id, subject_id, details)
  values (new.workspace_id, 'draft.' || case new.state when 'pending' then 'proposed' else new.state end,
          new.conversation_id, new.id,
          jsonb_strip_nulls(jsonb_build_object('reason', new.reason, 'person_id', new.decided_by)));
  return null;
end $$;
create trigger log_new after insert on draft for each row execute function frontdesk_log_draft();
create trigger log after update of state on draft for each row
  when (old.state is distinct from new.state) execute function frontdesk_log_draft();

create function frontdesk_log_conversation() returns trigger language plpgsql as $$ begin
  if tg_op = 'INSERT' then
    insert into event (workspace_id, kind, conversation_id, subject_id, details)
    values (new.workspace_id, 'conversation.opened', new.id, new.id,
            jsonb_build_object('contact_id', new.contact_id));
    return null;
  end if;
  if old.state is distinct from new.state then
    insert into event (workspace_id, kind, conversation_id, subject_id)
    values (new.workspace_id, 'conversation.' || case new.state when 'open' then 'reopened' else new.state end,
            new.id, new.id);
  end if;
  if old.owner is distinct from new.owner or (new.owner = 'human' and old.owner_person_id is distinct from new.owner_person_id)
  then
    insert into event (workspace_id, kind, conversation_id, subject_id, details)
    values (new.workspace_id, case when new.owner = 'ai' then 'conversation.released'
            when old.owner = 'ai' then 'conversation.handed_over' else 'conversation.assigned' end, new.id, new.id,
            jsonb_strip_nulls(jsonb_build_object('reason', new.owner_reason, 'person_id', new.owner_person_id)));
  end if;
  return null;
end $$;
create trigger log_new after insert on conversation for each row execute function frontdesk_log_conversation();
create trigger log after update of state, owner, owner_person_id on conversation for each row
  when (old.state is distinct from new.state or old.owner is distinct from new.owner
        or old.owner_person_id is distinct from new.owner_person_id) execute function frontdesk_log_conversation();

create function frontdesk_log_turn() returns trigger language plpgsql as $$ begin
  insert into event (workspace_id, kind, conversation_id, subject_id, details)
  values (new.workspace_id, 'turn.' || new.state, new.conversation_id, new.id,
          jsonb_strip_nulls(jsonb_build_object('action', new.action, 'base_seq', new.base_seq)));
  return null;
end $$;
create trigger log after update of state on turn for each row
  when (old.state is distinct from new.state and new.state in ('saved', 'failed')) execute function frontdesk_log_turn();

create function frontdesk_log_attachment() returns trigger language plpgsql as $$ begin
  insert into event (workspace_id, kind, conversation_id, subject_id, details)
  select new.workspace_id, 'attachment.' || new.state, m.conversation_id, new.message_id,
         jsonb_strip_nulls(jsonb_build_object('attachment_id', new.id, 'reason', new.reason))
  from message m where m.workspace_id = new.workspace_id and m.id = new.message_id;
  return null;
end $$;
create trigger log after update of state on attachment for each row
  when (old.state is distinct from new.state) execute function frontdesk_log_attachment();

create function frontdesk_log_consent() returns trigger language plpgsql as $$ begin
  insert into event (workspace_id, kind, subject_id, details)
  select new.workspace_id, 'contact.opted_' || new.state, a.contact_id,
         jsonb_build_object('address_id', new.address_id, 'source', new.source)
  from contact_address a where a.workspace_id = new.workspace_id and a.id = new.address_id;
  return null;
end $$;
create trigger log after insert on consent for each row execute function frontdesk_log_consent();

create function frontdesk_log_channel() returns trigger language plpgsql as $$ begin
  insert into event (workspace_id, kind, subject_id, details)
  values (new.workspace_id, case new.state when 'active' then 'channel.resumed' else 'channel.' || new.state end, new.id,
          jsonb_strip_nulls(jsonb_build_object('reason', new.state_reason)));
  return null;
end $$;
create trigger log after update of state on channel for each row
  when (old.state is distinct from new.state) execute function frontdesk_log_channel();
