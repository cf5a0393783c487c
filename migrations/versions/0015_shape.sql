-- Every version of each schema and rule, whoever changed it, through the API or by the file. Only ever added to.
create table part_version (
  workspace_id uuid not null references workspace,
  kind text not null check (kind in ('schema', 'rule')),
  id uuid not null,                     -- stays when it is given another name through the API
  n int not null,
  name text not null,
  body jsonb,                           -- null: taken out
  actor text not null,
  at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, kind, id, n)
);
alter table part_version enable row level security;
alter table part_version force row level security;
create policy one_workspace on part_version to frontdesk_app
  using (workspace_id = frontdesk_workspace()) with check (workspace_id = frontdesk_workspace());
grant select, insert on part_version to frontdesk_app;

-- Why a field changed, in a person's words, sealed; and which earlier value it was put back to.
alter table context_value add column why bytea, add column reverts uuid;

-- When a rule on a schedule is due next.
create table rule_due (
  workspace_id uuid not null references workspace,
  rule text not null,
  plan text not null,                   -- clock time, days and zone: another plan is another due time
  due_at timestamptz not null,
  lease_until timestamptz,
  primary key (workspace_id, rule)
);
create index rule_due_at on rule_due (due_at);
alter table rule_due enable row level security;
alter table rule_due force row level security;
create policy one_workspace on rule_due to frontdesk_app
  using (workspace_id = frontdesk_workspace()) with check (workspace_id = frontdesk_workspace());
grant select, insert, update, delete on rule_due to frontdesk_app;
create policy find_work on rule_due to frontdesk_dispatch using (true);
grant select, update (lease_until) on rule_due to frontdesk_dispatch;

-- Addresses of other people's servers that are told what happens.
create table webhook (
  workspace_id uuid not null references workspace,
  id uuid not null,
  url bytea not null,                   -- sealed: an address may hold a secret
  url_hash bytea not null,
  description text not null default '',
  events text[] not null default '{}',  -- kinds of the log, or draft.*, or *; none: only rules call it
  secret bytea not null,                -- sealed
  state text not null default 'active' check (state in ('active', 'disabled')),
  reason text,
  created_at timestamptz not null default frontdesk_now(),
  updated_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, url_hash)
);
alter table webhook enable row level security;
alter table webhook force row level security;
create policy one_workspace on webhook to frontdesk_app
  using (workspace_id = frontdesk_workspace()) with check (workspace_id = frontdesk_workspace());
grant select, insert, update, delete on webhook to frontdesk_app;

create table webhook_call (
  workspace_id uuid not null references workspace,
  id uuid not null,                     -- the receiver's `webhook-id`: the same at every attempt
  webhook_id uuid not null,
  event text not null,
  body bytea not null,                  -- sealed
  conversation_id uuid,
  state text not null default 'waiting' check (state in ('waiting', 'done', 'dead', 'cancelled')),
  attempts int not null default 0,
  next_attempt_at timestamptz not null default frontdesk_now(),
  lease_until timestamptz,
  status int,                           -- what the other server answered last
  reason text,
  created_at timestamptz not null default frontdesk_now(),
  begun_at timestamptz not null default frontdesk_now(),  -- or when it was last replayed
  done_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, webhook_id) references webhook on delete cascade,
  foreign key (workspace_id, conversation_id) references conversation
);
create index webhook_call_due on webhook_call (next_attempt_at) where state = 'waiting';
create index webhook_call_of on webhook_call (workspace_id, webhook_id, id desc);
create index webhook_call_about on webhook_call (workspace_id, conversation_id);
alter table webhook_call enable row level security;
alter table webhook_call force row level security;
create policy one_workspace on webhook_call to frontdesk_app
  using (workspace_id = frontdesk_workspace()) with check (workspace_id = frontdesk_workspace());
grant select, insert, update, delete on webhook_call to frontdesk_app;
create policy find_work on webhook_call to frontdesk_dispatch using (true);
grant select (workspace_id, id, state, next_attempt_at, lease_until), update (lease_until) on webhook_call to frontdesk_dispatch;
create policy erase on webhook_call to frontdesk_eraser using (workspace_id = frontdesk_workspace());
grant select, delete on webhook_call to frontdesk_eraser;

-- How far the log of events has been read for a workspace's webhooks; there for those that have some.
create table webhook_cursor (
  workspace_id uuid primary key references workspace,
  tx bigint not null,
  n bigint not null
);
alter table webhook_cursor enable row level security;
alter table webhook_cursor force row level security;
create policy one_workspace on webhook_cursor to frontdesk_app
  using (workspace_id = frontdesk_workspace()) with check (workspace_id = frontdesk_workspace());
grant select, insert, update, delete on webhook_cursor to frontdesk_app;
create policy find_work on webhook_cursor to frontdesk_dispatch using (true);
grant select on webhook_cursor to frontdesk_dispatch;
