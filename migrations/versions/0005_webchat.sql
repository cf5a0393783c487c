-- A visitor is an address of scheme webchat that has written. `last_seq` counts what they have been shown: a
-- conversation's own seq is given when a message is written, but a reply is shown only when the gate let it leave,
-- perhaps after a later message of the visitor; who resumes by that number would miss it.
create table visitor (
  workspace_id uuid not null references workspace,
  address_id uuid not null,
  channel_id uuid not null,
  key bytea not null unique,            -- the keyed hash of the visitor's id: under it the web processes ask what moved
  last_seq bigint not null default 0,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, address_id),
  foreign key (workspace_id, address_id) references contact_address on delete cascade,
  foreign key (workspace_id, channel_id) references channel
);

create table visitor_line (
  workspace_id uuid not null references workspace,
  address_id uuid not null,
  seq bigint not null,
  message_id uuid not null,
  client_id text,                       -- the browser's own id of a message it sent: the same one again is the same message
  shown_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, address_id, seq),
  unique (workspace_id, message_id),
  unique (workspace_id, address_id, client_id),
  foreign key (workspace_id, address_id) references visitor on delete cascade,
  foreign key (workspace_id, message_id) references message on delete cascade
);

create table visitor_file (
  workspace_id uuid not null references workspace,
  id uuid not null,
  key bytea not null,                   -- whose: as in visitor, which may not be there yet
  type text not null,                   -- as sniffed
  name bytea,
  size bigint not null,
  sha256 bytea not null,
  path text not null,
  message_id uuid,                      -- null: uploaded, not sent yet
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, message_id) references message on delete cascade
);
create index on visitor_file (workspace_id, key) where message_id is null;

do $$
declare t text;
begin
  foreach t in array array['visitor', 'visitor_line', 'visitor_file'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy one_workspace on %I to frontdesk_app using (workspace_id = frontdesk_workspace())'
                   ' with check (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, insert on %I to frontdesk_app', t);
  end loop;
end $$;
grant update on visitor to frontdesk_app;
grant update, delete on visitor_file to frontdesk_app;
create policy find_work on visitor to frontdesk_dispatch using (true) with check (true);
grant select (key, last_seq) on visitor to frontdesk_dispatch;
