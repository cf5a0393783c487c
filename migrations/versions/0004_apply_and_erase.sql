alter table document add column original bytea;   -- the file's own bytes, for export; null: stored before this revision

-- An opt-out outlives the person's data: only the keyed hash of the address stays.
create table suppression (
  workspace_id uuid not null references workspace,
  scheme text not null,
  value_hash bytea not null,
  opted_out_at timestamptz not null,
  primary key (workspace_id, scheme, value_hash)
);
alter table suppression enable row level security;
alter table suppression force row level security;
create policy one_workspace on suppression to frontdesk_app
  using (workspace_id = frontdesk_workspace()) with check (workspace_id = frontdesk_workspace());
grant select, insert, update, delete on suppression to frontdesk_app;

-- History stays "added to only" for frontdesk_app. Erasing a person is the one act that takes it away, and it
-- has a role of its own, which can delete what belongs to a person, in one workspace, and nothing else.
do $$ begin
  if not exists (select from pg_roles where rolname = 'frontdesk_eraser') then
    create role frontdesk_eraser nologin nosuperuser nobypassrls nocreaterole nocreatedb;
  end if;
end $$;
do $$ begin
  execute format('grant frontdesk_eraser to %I', current_user);
exception when others then
  if sqlstate not in ('0LP01', '42501') then raise; end if;  -- already a member, or a superuser who needs no grant
end $$;
do $$
declare t text;
begin
  foreach t in array array['contact', 'contact_address', 'consent', 'conversation', 'thread', 'turn', 'draft', 'message',
    'delivery', 'delivery_attempt', 'delivery_event', 'attachment', 'context_value', 'timer', 'idempotency',
    'inbound_receipt'] loop
    execute format('create policy erase on %I to frontdesk_eraser using (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, delete on %I to frontdesk_eraser', t);
  end loop;
end $$;
-- `frontdesk doctor` counts what waits too long.
grant select (created_at) on delivery to frontdesk_dispatch;
