create table idempotency (
  workspace_id uuid not null references workspace,
  key text not null,                    -- as the caller chose it
  route text not null,                  -- what was asked for: verb and thing
  request_hash bytea not null,
  status int not null,
  body bytea not null,                  -- the answer, sealed: it holds words
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, key)
);
create index on idempotency (workspace_id, created_at);

alter table idempotency enable row level security;
alter table idempotency force row level security;
create policy one_workspace on idempotency to frontdesk_app
  using (workspace_id = frontdesk_workspace()) with check (workspace_id = frontdesk_workspace());
grant select, insert, update, delete on idempotency to frontdesk_app;
