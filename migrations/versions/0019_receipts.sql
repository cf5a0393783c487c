-- What was acknowledged and is not yet in its conversation. The receipt itself is history; this is the work.
create table unread (
  workspace_id uuid not null references workspace,
  place bigint generated always as identity,            -- the order in which they were acknowledged
  receipt_id uuid not null,
  kind text not null,                                    -- as the receipt's
  sender bytea,                                          -- keyed hash of the address: who asks to be left alone is found at once
  due_at timestamptz not null default frontdesk_now(),   -- later than that: it could not be read, and is tried again
  tries int not null default 0,
  primary key (workspace_id, place),
  foreign key (workspace_id, receipt_id) references inbound_receipt on delete cascade
);
create index on unread (workspace_id, sender);
alter table unread enable row level security;
alter table unread force row level security;
create policy one_workspace on unread to frontdesk_app using (workspace_id = frontdesk_workspace())
  with check (workspace_id = frontdesk_workspace());
grant select, insert, update (due_at, tries), delete on unread to frontdesk_app;
create policy find_work on unread to frontdesk_dispatch using (true);
grant select (workspace_id, place, due_at) on unread to frontdesk_dispatch;
create policy erase on unread to frontdesk_eraser using (workspace_id = frontdesk_workspace());
grant select, delete on unread to frontdesk_eraser;
