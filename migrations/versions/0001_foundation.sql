-- Two roles do all the work and neither can bypass row-level security:
--   frontdesk_app       sees one workspace at a time, the one named by app.workspace
--   frontdesk_dispatch  sees every workspace, but only ids, due times and leases: it finds work, never words
do $$ begin
  if not exists (select from pg_roles where rolname = 'frontdesk_app') then
    create role frontdesk_app nologin nosuperuser nobypassrls nocreaterole nocreatedb;
  end if;
  if not exists (select from pg_roles where rolname = 'frontdesk_dispatch') then
    create role frontdesk_dispatch nologin nosuperuser nobypassrls nocreaterole nocreatedb;
  end if;
end $$;
do $$ begin
  execute format('grant frontdesk_app, frontdesk_dispatch to %I', current_user);
exception when others then
  if sqlstate not in ('0LP01', '42501') then raise; end if;  -- already a member, or a superuser who needs no grant
end $$;

create extension if not exists vector;

-- The clock of every lease, timer and expiry is the database's. Tests freeze it per transaction through app.now.
create function frontdesk_now() returns timestamptz language sql volatile parallel safe as
$$ select coalesce(nullif(current_setting('app.now', true), '')::timestamptz, clock_timestamp()) $$;

create function frontdesk_workspace() returns uuid language sql stable parallel safe as
$$ select nullif(current_setting('app.workspace', true), '')::uuid $$;

create table workspace (
  id uuid primary key,
  slug text not null unique,
  profile jsonb not null,
  version int not null default 1,
  state text not null default 'active' check (state in ('active', 'suspended')),
  created_at timestamptz not null default frontdesk_now(),
  updated_at timestamptz not null default frontdesk_now()
);

create table data_key (
  workspace_id uuid not null references workspace,
  id smallint not null,
  purpose text not null check (purpose in ('data', 'index')),
  sealed bytea not null,
  sealed_by text not null,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id)
);

create table person (
  workspace_id uuid not null references workspace,
  id uuid not null,
  role text not null check (role in ('owner', 'admin', 'agent', 'viewer')),
  state text not null default 'active' check (state in ('active', 'disabled')),
  name bytea,
  email bytea,
  email_hash bytea,
  phone bytea,
  phone_hash bytea,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, email_hash)
);

create table api_key (
  workspace_id uuid not null references workspace,
  id uuid not null,
  name text not null,
  prefix text not null unique,
  secret_hash bytea not null,
  scopes text[] not null,
  person_id uuid,
  created_at timestamptz not null default frontdesk_now(),
  last_used_at timestamptz,
  expires_at timestamptz,
  revoked_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, person_id) references person
);

create table channel (
  workspace_id uuid not null references workspace,
  id uuid not null unique,
  kind text not null,
  address text not null,
  state text not null default 'active' check (state in ('active', 'suspended')),
  state_reason text,
  credentials bytea,
  settings jsonb not null default '{}',
  next_send_at timestamptz,
  failures int not null default 0,
  open_until timestamptz,
  version int not null default 1,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, kind, address)
);

create table contact (
  workspace_id uuid not null references workspace,
  id uuid not null,
  name bytea,
  language text,
  timezone text,
  merged_into uuid,
  version int not null default 1,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, merged_into) references contact
);

create table contact_address (
  workspace_id uuid not null references workspace,
  id uuid not null,
  contact_id uuid not null,
  scheme text not null,
  value bytea not null,
  value_hash bytea not null,
  verified_at timestamptz,
  last_inbound_at timestamptz,
  opted_in_at timestamptz,
  opted_out_at timestamptz,
  suppressed text,                      -- why nothing may be sent here (landline, no such number), from the provider
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, scheme, value_hash),
  foreign key (workspace_id, contact_id) references contact
);
create index on contact_address (workspace_id, contact_id);

create table consent (
  workspace_id uuid not null references workspace,
  id uuid not null,
  n bigint generated always as identity,
  address_id uuid not null,
  purpose text not null default 'all',
  state text not null check (state in ('in', 'out')),
  source text not null,                 -- keyword, phrase, provider, person, import
  wording bytea,
  message_id uuid,
  at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, address_id) references contact_address
);
create index on consent (workspace_id, address_id, n desc);

create table inbound_receipt (
  workspace_id uuid not null references workspace,
  id uuid not null,
  channel_id uuid not null,
  kind text not null,
  provider_event_id text not null,
  payload bytea not null,
  received_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, channel_id, kind, provider_event_id),
  foreign key (workspace_id, channel_id) references channel
);

create table conversation (
  workspace_id uuid not null references workspace,
  id uuid not null,
  contact_id uuid not null,
  state text not null default 'open' check (state in ('open', 'snoozed', 'closed')),
  owner text not null default 'ai' check (owner in ('ai', 'human')),
  owner_person_id uuid,
  owner_reason text,
  paused_until timestamptz,             -- while a person owns it: when it goes back to the assistant
  posture text check (posture in ('auto', 'draft', 'off')),  -- null: as the policy says
  epoch int not null default 0,         -- the fence: every claim and every person's act raises it
  last_seq bigint not null default 0,
  answered_seq bigint not null default 0,
  burst_started_at timestamptz,
  due_at timestamptz,                   -- when a turn shall run; null: nothing to answer
  lease_until timestamptz,
  lease_by text,
  failures int not null default 0,
  created_at timestamptz not null default frontdesk_now(),
  updated_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, contact_id) references contact,
  foreign key (workspace_id, owner_person_id) references person
);
create unique index conversation_one_open on conversation (workspace_id, contact_id) where state <> 'closed';
create index conversation_due on conversation (due_at) where due_at is not null;
create index on conversation (workspace_id, updated_at desc, id);

create table thread (
  workspace_id uuid not null references workspace,
  id uuid not null,
  conversation_id uuid not null,
  channel_id uuid not null,
  address_id uuid not null,
  last_inbound_at timestamptz,
  window_expires_at timestamptz,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, conversation_id, channel_id, address_id),
  foreign key (workspace_id, conversation_id) references conversation,
  foreign key (workspace_id, channel_id) references channel,
  foreign key (workspace_id, address_id) references contact_address
);

create table turn (
  workspace_id uuid not null references workspace,
  id uuid not null,
  conversation_id uuid not null,
  epoch int not null,
  first_seq bigint not null,
  base_seq bigint not null,
  state text not null default 'running' check (state in ('running', 'saved', 'superseded', 'failed')),
  action text,
  reason text,
  intent text,
  confidence real,
  explanation bytea,
  worker text,
  started_at timestamptz not null default frontdesk_now(),
  finished_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, conversation_id) references conversation
);
create index on turn (workspace_id, conversation_id, started_at desc);

create table draft (
  workspace_id uuid not null references workspace,
  id uuid not null,
  conversation_id uuid not null,
  thread_id uuid not null,
  turn_id uuid not null,
  base_seq bigint not null,
  state text not null default 'pending'
    check (state in ('pending', 'approved', 'edited', 'rejected', 'expired', 'superseded')),
  reason text not null,
  original bytea not null,              -- the assistant's words, kept
  body bytea not null,                  -- the words as decided
  note bytea,                           -- why a person rejected it
  decided_by uuid,
  decided_at timestamptz,
  expires_at timestamptz not null,
  version int not null default 1,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, conversation_id) references conversation,
  foreign key (workspace_id, thread_id) references thread,
  foreign key (workspace_id, turn_id) references turn,
  foreign key (workspace_id, decided_by) references person
);
create unique index draft_one_pending on draft (workspace_id, conversation_id) where state = 'pending';
create index on draft (workspace_id, state, created_at desc);

create table message (
  workspace_id uuid not null references workspace,
  id uuid not null,
  conversation_id uuid not null,
  thread_id uuid not null,
  seq bigint not null,
  direction text not null check (direction in ('in', 'out')),
  author text not null check (author in ('contact', 'ai', 'human', 'system')),
  purpose text not null,                -- inbound; reply, human, confirmation, notice, marketing
  body bytea not null,
  discloses boolean not null default false,
  person_id uuid,
  turn_id uuid,
  draft_id uuid,
  provider_at timestamptz,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, conversation_id, seq),
  foreign key (workspace_id, conversation_id) references conversation,
  foreign key (workspace_id, thread_id) references thread,
  foreign key (workspace_id, person_id) references person,
  foreign key (workspace_id, turn_id) references turn,
  foreign key (workspace_id, draft_id) references draft
);
create unique index message_one_per_draft on message (workspace_id, draft_id) where draft_id is not null;

create table delivery (
  workspace_id uuid not null references workspace,
  id uuid not null,
  message_id uuid not null,
  conversation_id uuid not null,
  thread_id uuid not null,
  channel_id uuid not null,
  address_id uuid not null,
  seq bigint not null,
  part int not null default 0,
  body bytea not null,
  state text not null default 'queued' check (state in
    ('queued', 'sending', 'unknown', 'accepted', 'sent', 'delivered', 'read', 'failed', 'cancelled')),
  provider_id text,
  disposition text,
  error_code text,
  reason text,
  attempts int not null default 0,
  next_attempt_at timestamptz not null default frontdesk_now(),
  lease_until timestamptz,
  created_at timestamptz not null default frontdesk_now(),
  updated_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, message_id, part),
  foreign key (workspace_id, message_id) references message,
  foreign key (workspace_id, conversation_id) references conversation,
  foreign key (workspace_id, thread_id) references thread,
  foreign key (workspace_id, channel_id) references channel,
  foreign key (workspace_id, address_id) references contact_address
);
create unique index delivery_provider_id on delivery (workspace_id, channel_id, provider_id) where provider_id is not null;
create index delivery_due on delivery (next_attempt_at) where state in ('queued', 'sending', 'unknown');
create index delivery_order on delivery (workspace_id, thread_id, seq, part) where state in ('queued', 'sending', 'unknown');
create index on delivery (workspace_id, conversation_id, seq);

create table delivery_attempt (
  workspace_id uuid not null references workspace,
  delivery_id uuid not null,
  n int not null,
  started_at timestamptz not null default frontdesk_now(),
  finished_at timestamptz,
  outcome text,                         -- accepted, failed, unknown
  provider_id text,
  http_status int,
  error_code text,
  detail text,                          -- never words or numbers
  primary key (workspace_id, delivery_id, n),
  foreign key (workspace_id, delivery_id) references delivery
);
create index on delivery_attempt (workspace_id, provider_id) where provider_id is not null;

create table delivery_event (
  workspace_id uuid not null references workspace,
  id uuid not null,
  channel_id uuid not null,
  delivery_id uuid,
  provider_id text not null,
  state text not null,
  raw_state text not null,
  error_code text,
  received_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, channel_id) references channel,
  foreign key (workspace_id, delivery_id) references delivery
);
create index on delivery_event (workspace_id, delivery_id);

create table attachment (
  workspace_id uuid not null references workspace,
  id uuid not null,
  message_id uuid not null,
  n int not null,
  declared_type text not null,
  sniffed_type text,
  name bytea,
  url bytea,
  size bigint,
  sha256 bytea,
  path text,
  state text not null default 'pending' check (state in ('pending', 'stored', 'rejected')),
  reason text,
  attempts int not null default 0,
  next_attempt_at timestamptz not null default frontdesk_now(),
  lease_until timestamptz,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, message_id, n),
  foreign key (workspace_id, message_id) references message
);
create index attachment_due on attachment (next_attempt_at) where state = 'pending';

create table context_value (
  workspace_id uuid not null references workspace,
  id uuid not null,
  n bigint generated always as identity,
  conversation_id uuid not null,
  field text not null,
  value bytea not null,
  source text not null check (source in ('ai', 'human', 'rule', 'import')),
  confidence real not null default 1,
  words bytea,
  evidence_seq bigint,
  turn_id uuid,
  person_id uuid,
  at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, conversation_id) references conversation,
  foreign key (workspace_id, turn_id) references turn,
  foreign key (workspace_id, person_id) references person
);
create index on context_value (workspace_id, conversation_id, field, n desc);

create table timer (
  workspace_id uuid not null references workspace,
  id uuid not null,
  kind text not null,
  conversation_id uuid not null,
  subject_id uuid,
  fire_at timestamptz not null,
  state text not null default 'pending' check (state in ('pending', 'fired', 'cancelled')),
  lease_until timestamptz,
  attempts int not null default 0,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, conversation_id) references conversation
);
create index timer_due on timer (fire_at) where state = 'pending';

create table audit (
  workspace_id uuid not null references workspace,
  n bigint not null,
  at timestamptz not null default frontdesk_now(),
  actor text not null,                  -- ai, system, person:<id>, key:<id>
  verb text not null,                   -- past tense: draft_approved, conversation_taken_over
  object_kind text not null,
  object_id uuid,
  details jsonb not null default '{}',  -- ids, codes and counts; never words, names or numbers
  previous bytea not null,
  hash bytea not null,
  primary key (workspace_id, n)
);

create table document (
  workspace_id uuid not null references workspace,
  id uuid not null,
  source text not null,
  title text not null,
  sha256 bytea not null,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, source)
);

create table passage (
  workspace_id uuid not null references workspace,
  id uuid not null,
  document_id uuid not null,
  n int not null,
  heading text not null,
  text text not null,
  lexemes tsvector generated always as (
    setweight(to_tsvector('english', heading), 'A') || setweight(to_tsvector('english', text), 'B')) stored,
  primary key (workspace_id, id),
  unique (workspace_id, document_id, n),
  foreign key (workspace_id, document_id) references document on delete cascade
);
create index passage_lexemes on passage using gin (lexemes);

-- Row-level security, on every table, for owners too.
do $$
declare t text;
begin
  for t in select tablename from pg_tables where schemaname = current_schema() and tablename <> 'alembic_version' loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy one_workspace on %I to frontdesk_app using (%I = frontdesk_workspace()) with check (%I = frontdesk_workspace())',
                   t, case t when 'workspace' then 'id' else 'workspace_id' end, case t when 'workspace' then 'id' else 'workspace_id' end);
    execute format('grant select, insert on %I to frontdesk_app', t);
  end loop;
end $$;

-- What is history is only ever added to: consent, receipts, delivery_event, context_value, audit get no update, no delete.
grant update on workspace, data_key, person, api_key, channel, contact, contact_address, conversation, thread, turn,
  draft, message, delivery, delivery_attempt, attachment, timer, document, passage to frontdesk_app;
grant delete on document, passage, data_key to frontdesk_app;

-- What the dispatcher may see of every workspace.
do $$
declare t text;
begin
  foreach t in array array['workspace', 'channel', 'api_key', 'conversation', 'delivery', 'attachment', 'timer'] loop
    execute format('create policy find_work on %I to frontdesk_dispatch using (true) with check (true)', t);
  end loop;
end $$;
grant select (id, slug, state) on workspace to frontdesk_dispatch;
grant select (workspace_id, id, kind, address) on channel to frontdesk_dispatch;
grant select (workspace_id, id, prefix) on api_key to frontdesk_dispatch;
grant select (workspace_id, id, due_at, lease_until, lease_by, epoch, paused_until, owner),
      update (lease_until, lease_by, epoch) on conversation to frontdesk_dispatch;
grant select (workspace_id, id, thread_id, channel_id, seq, part, state, next_attempt_at, lease_until, attempts),
      update (lease_until) on delivery to frontdesk_dispatch;
grant select (workspace_id, id, state, next_attempt_at, lease_until), update (lease_until) on attachment to frontdesk_dispatch;
grant select (workspace_id, id, kind, state, fire_at, lease_until), update (lease_until) on timer to frontdesk_dispatch;
