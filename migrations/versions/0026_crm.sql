-- A CRM elsewhere: whom we have there, what stands on both sides, notes, and what it told us. ADR 33.

-- Who set a name, where it matters: a person's goes before what the assistant understood.
alter table contact add column name_by text check (name_by in ('human', 'crm')), add column name_at timestamptz;
-- crm: a person of the business set it there; it counts as theirs.
alter table context_value add column origin text check (origin in ('crm'));

-- One account of a CRM. connected ⇄ revoked;  → removed
create table crm_link (
  workspace_id uuid not null references workspace,
  id uuid not null,
  provider text not null default 'gohighlevel' check (provider in ('gohighlevel')),
  location text not null,               -- the account's id there
  credentials bytea,                    -- the token
  state text not null default 'connected' check (state in ('connected', 'revoked', 'removed')),
  reason text,
  mapping text,                         -- digest of the mapping by which contacts were brought there last
  missing text[] not null default '{}', -- fields that the mapping names and the CRM has not
  daily_left int,                       -- calls that may still be made today, by the CRM's own word
  cursor_at timestamptz not null default frontdesk_now(),  -- changes there are known up to here
  polled_at timestamptz,
  hooked_at timestamptz,                -- when it last told us something by itself
  next_poll_at timestamptz not null default frontdesk_now(),
  rests_until timestamptz,              -- it wants fewer calls
  lease_until timestamptz,
  attempts int not null default 0,
  created_at timestamptz not null default frontdesk_now(),
  updated_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id)
);
create unique index crm_link_one on crm_link (workspace_id) where state <> 'removed';
create index crm_link_location on crm_link (location) where state <> 'removed';

-- A contact and its other half. No reference to the contact: when that is erased, the other half is to go too.
-- due → done | failed;  left: deleted there, or part of another contact by now, or erased: nothing is written any more
create table crm_contact (
  workspace_id uuid not null references workspace,
  link_id uuid not null,
  contact_id uuid not null,
  state text not null default 'due' check (state in ('due', 'done', 'failed', 'left')),
  change int not null default 1,        -- grows with every change here, and every word of one there
  external_id text,                     -- the contact's id there
  body bytea,                           -- what stood on both sides when they agreed last
  sending bytea,                        -- what was sent and not yet recorded
  gone boolean not null default false,  -- erased here
  there_at timestamptz,                 -- its last change there that we have seen
  reason text,
  next_attempt_at timestamptz not null default frontdesk_now(),
  lease_until timestamptz,
  attempts int not null default 0,
  synced_at timestamptz,
  updated_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, link_id, contact_id),
  foreign key (workspace_id, link_id) references crm_link
);
create index crm_contact_due on crm_contact (next_attempt_at) where state = 'due';
create unique index crm_contact_external on crm_contact (workspace_id, link_id, external_id) where external_id is not null;
create index crm_contact_of on crm_contact (workspace_id, contact_id);

-- The one note of a closed conversation. Its words are not kept: they are made when it is written.
create table crm_note (
  workspace_id uuid not null references workspace,
  link_id uuid not null,
  conversation_id uuid not null,
  contact_id uuid not null,             -- who the customer was when it was closed
  state text not null default 'due' check (state in ('due', 'done', 'failed')),
  change int not null default 1,
  external_id text,
  tried boolean not null default false, -- it was sent once, and may be there although nobody said so
  reason text,
  updated_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, link_id, conversation_id),
  foreign key (workspace_id, link_id) references crm_link
);
create index crm_note_of on crm_note (workspace_id, contact_id) where state = 'due';

-- What the CRM told us: which of its contacts are to be looked at. Never what is in them.
create table crm_receipt (
  workspace_id uuid not null references workspace,
  id uuid not null,
  link_id uuid not null,
  hook_id text not null,
  kind text not null,
  external_id text not null,
  state text not null default 'due' check (state in ('due', 'done')),
  received_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, link_id, hook_id),
  foreign key (workspace_id, link_id) references crm_link
);
create index crm_receipt_due on crm_receipt (workspace_id, link_id, received_at) where state = 'due';

-- What passed between both, and what did not and why; only added to.
create table crm_change (
  workspace_id uuid not null references workspace,
  id uuid not null,
  n bigint generated always as identity,
  link_id uuid not null,
  contact_id uuid not null,
  conversation_id uuid,
  field text not null,
  outcome text not null check (outcome in ('sent', 'taken', 'kept_ours', 'kept_theirs', 'unreadable')),
  ours bytea,
  theirs bytea,
  at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, link_id) references crm_link
);
create index crm_change_of on crm_change (workspace_id, contact_id, n desc);

do $$
declare t text;
begin
  foreach t in array array['crm_link', 'crm_contact', 'crm_note', 'crm_receipt', 'crm_change'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy one_workspace on %I to frontdesk_app using (workspace_id = frontdesk_workspace())'
                   ' with check (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, insert on %I to frontdesk_app', t);
  end loop;
  foreach t in array array['crm_link', 'crm_contact'] loop
    execute format('create policy find_work on %I to frontdesk_dispatch using (true) with check (true)', t);
  end loop;
  foreach t in array array['crm_contact', 'crm_note', 'crm_change'] loop
    execute format('create policy erase on %I to frontdesk_eraser using (workspace_id = frontdesk_workspace())', t);
  end loop;
end $$;
grant update on crm_link, crm_contact, crm_note, crm_receipt to frontdesk_app;
grant delete on crm_receipt to frontdesk_app;
grant select (workspace_id, id, state, location, next_poll_at, rests_until, lease_until), update (lease_until) on crm_link
  to frontdesk_dispatch;
grant select (workspace_id, link_id, contact_id, state, next_attempt_at, lease_until), update (lease_until) on crm_contact
  to frontdesk_dispatch;
grant select, delete on crm_note, crm_change to frontdesk_eraser;
grant select, update (state, change, body, sending, gone, reason, attempts, next_attempt_at) on crm_contact to frontdesk_eraser;

-- The database itself writes down who is to be brought there, in the transaction of the change, whichever path or version
-- of the program changed it. It decides nothing. However much changes, a contact stands in the line once.
create function frontdesk_crm_due(w uuid, c uuid) returns void language plpgsql as $$
declare l uuid; r uuid;
begin
  select id into l from crm_link where workspace_id = w and state <> 'removed';
  if l is null then return; end if;
  select coalesce(root_id, id) into r from contact where workspace_id = w and id = c;
  if r is null then return; end if;
  insert into crm_contact (workspace_id, link_id, contact_id) values (w, l, r)
    on conflict (workspace_id, link_id, contact_id) do update
    set state = 'due', change = crm_contact.change + 1, next_attempt_at = frontdesk_now(), attempts = 0
    where crm_contact.state <> 'left' or crm_contact.reason = 'merged';
end $$;

create function frontdesk_crm_contact() returns trigger language plpgsql as $$ begin
  perform frontdesk_crm_due(new.workspace_id, new.id);
  if tg_op = 'UPDATE' then
    if new.root_id is distinct from old.root_id then
      update crm_contact set state = 'due', change = change + 1, next_attempt_at = frontdesk_now(), attempts = 0
        where workspace_id = new.workspace_id and contact_id in (new.id, old.root_id)
        and (state <> 'left' or reason = 'merged');
    end if;
  end if;
  return null;
end $$;
create trigger crm_new after insert on contact for each row execute function frontdesk_crm_contact();
create trigger crm after update of name, language, root_id on contact for each row
  when ((old.name, old.language, old.root_id) is distinct from (new.name, new.language, new.root_id))
  execute function frontdesk_crm_contact();

create function frontdesk_crm_address() returns trigger language plpgsql as $$ begin
  perform frontdesk_crm_due(new.workspace_id, new.contact_id);
  return null;
end $$;
create trigger crm_new after insert on contact_address for each row execute function frontdesk_crm_address();
create trigger crm after update of opted_out_at, opted_in_at on contact_address for each row
  when ((old.opted_out_at, old.opted_in_at) is distinct from (new.opted_out_at, new.opted_in_at))
  execute function frontdesk_crm_address();

create function frontdesk_crm_conversation() returns trigger language plpgsql as $$ begin
  if tg_op = 'UPDATE' then
    if new.state = 'closed' and old.state <> 'closed' then
      insert into crm_note (workspace_id, link_id, conversation_id, contact_id)
        select new.workspace_id, l.id, new.id, coalesce(c.root_id, c.id) from crm_link l join contact c
          on c.workspace_id = l.workspace_id and c.id = new.contact_id
          where l.workspace_id = new.workspace_id and l.state <> 'removed'
        on conflict (workspace_id, link_id, conversation_id) do update
        set state = 'due', change = crm_note.change + 1, contact_id = excluded.contact_id, reason = null;
    end if;
  end if;
  perform frontdesk_crm_due(new.workspace_id, new.contact_id);
  return null;
end $$;
create trigger crm_new after insert on conversation for each row execute function frontdesk_crm_conversation();
create trigger crm after update of state, status, tags on conversation for each row
  when ((old.state, old.status, old.tags) is distinct from (new.state, new.status, new.tags))
  execute function frontdesk_crm_conversation();

create function frontdesk_crm_value() returns trigger language plpgsql as $$ begin
  perform frontdesk_crm_due(new.workspace_id, (select contact_id from conversation
    where workspace_id = new.workspace_id and id = new.conversation_id));
  return null;
end $$;
create trigger crm_new after insert on context_value for each row
  when (new.field <> '$schema') execute function frontdesk_crm_value();

-- Erased here, they are to be erased there; what we knew of them goes at once.
create function frontdesk_crm_gone() returns trigger language plpgsql as $$ begin
  delete from crm_note where workspace_id = old.workspace_id and contact_id = old.id;
  delete from crm_change where workspace_id = old.workspace_id and contact_id = old.id;
  update crm_contact set state = case when external_id is null or reason = 'deleted_there' then 'left' else 'due' end,
    change = change + 1, body = null, sending = null, gone = true, reason = null, attempts = 0,
    next_attempt_at = frontdesk_now() where workspace_id = old.workspace_id and contact_id = old.id;
  return null;
end $$;
create trigger crm_gone after delete on contact for each row execute function frontdesk_crm_gone();
