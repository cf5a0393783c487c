-- A code counts only where it was asked for, for what it was asked for, and once. pending → used | failed | replaced
create table identity_code (
  workspace_id uuid not null references workspace,
  id uuid not null,
  contact_id uuid not null,             -- who it was sent to; somebody who becomes another person proves it anew
  conversation_id uuid not null,
  from_address_id uuid not null,        -- from where it was asked for: only there it counts
  address_id uuid not null,             -- where it went
  purpose text not null default '',     -- '': to be known; else a digest of what exactly it allows
  code_hash bytea not null,
  heard uuid[] not null default '{}',   -- messages that were tried, each once however often its turn runs
  state text not null default 'pending' check (state in ('pending', 'used', 'failed', 'replaced')),
  expires_at timestamptz not null,
  proven_until timestamptz,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, contact_id) references contact on delete cascade,
  foreign key (workspace_id, conversation_id) references conversation on delete cascade,
  foreign key (workspace_id, from_address_id) references contact_address on delete cascade,
  foreign key (workspace_id, address_id) references contact_address on delete cascade
);
create index identity_code_of_contact on identity_code (workspace_id, contact_id, created_at desc);
create index identity_code_of_conversation on identity_code (workspace_id, conversation_id);
create index identity_code_of_address on identity_code (workspace_id, address_id, created_at desc);
create index identity_code_recent on identity_code (workspace_id, created_at desc);
create unique index identity_code_one on identity_code (workspace_id, contact_id, from_address_id) where state = 'pending';
alter table identity_code enable row level security;
alter table identity_code force row level security;
create policy one_workspace on identity_code to frontdesk_app
  using (workspace_id = frontdesk_workspace()) with check (workspace_id = frontdesk_workspace());
grant select, insert, update on identity_code to frontdesk_app;
create policy erase on identity_code to frontdesk_eraser using (workspace_id = frontdesk_workspace());
grant select, delete on identity_code to frontdesk_eraser;
