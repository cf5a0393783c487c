-- Who somebody is now, beside every address and contact: merged_into is the truth, root_id its resolution, kept by the
-- merge itself (under the locks of all the addresses), so that an incoming message need not follow a chain.
alter table contact add column root_id uuid;          -- null: nobody; this contact is its own root
alter table contact_address add column root_id uuid;  -- null: the contact itself
alter table contact add constraint contact_root foreign key (workspace_id, root_id) references contact;
alter table contact_address add constraint contact_address_root foreign key (workspace_id, root_id) references contact;
create index contact_merged on contact (workspace_id, merged_into) where merged_into is not null;
create index contact_rooted on contact (workspace_id, root_id) where root_id is not null;
create index contact_address_rooted on contact_address (workspace_id, root_id) where root_id is not null;
create index contact_page on contact (workspace_id, created_at desc, id desc);
create index thread_address on thread (workspace_id, address_id);
alter table contact add column updated_at timestamptz;

create table contact_merge (
  workspace_id uuid not null references workspace,
  id uuid not null,
  contact_id uuid not null,             -- was a person of its own until then
  into_id uuid not null,
  reason text not null,                 -- person, verified, number_changed
  actor text not null,
  conversation_id uuid,                 -- of the merged contact, closed by the merge
  state_before text,                    -- of that conversation
  at timestamptz not null default frontdesk_now(),
  unmerged_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, contact_id) references contact on delete cascade,
  foreign key (workspace_id, into_id) references contact on delete cascade,
  foreign key (workspace_id, conversation_id) references conversation on delete set null (conversation_id)
);
create unique index contact_merge_one on contact_merge (workspace_id, contact_id) where unmerged_at is null;

-- Conversations that were one for a while. Both directions are rows.
create table conversation_link (
  workspace_id uuid not null references workspace,
  conversation_id uuid not null,
  other_id uuid not null,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, conversation_id, other_id),
  foreign key (workspace_id, conversation_id) references conversation on delete cascade,
  foreign key (workspace_id, other_id) references conversation on delete cascade
);

-- What stands in one conversation and is to be answered in another, since its customer's conversations became one, or two.
create table carried (
  workspace_id uuid not null references workspace,
  conversation_id uuid not null,        -- which answers it
  message_id uuid not null,
  done_at timestamptz,
  turn_id uuid,                         -- which answered it: what is taken back is owed again
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, conversation_id, message_id),
  foreign key (workspace_id, conversation_id) references conversation on delete cascade,
  foreign key (workspace_id, message_id) references message on delete cascade
);
create index carried_message on carried (workspace_id, message_id);

-- A one-time code by which a visitor of the web chat shows that an address is theirs.
create table verification (
  workspace_id uuid not null references workspace,
  id uuid not null,
  visitor_key bytea not null,           -- as in visitor, which may not be there yet
  address_id uuid not null,
  code_hash bytea not null,
  attempts int not null default 0,
  state text not null default 'pending' check (state in ('pending', 'used', 'replaced', 'failed')),
  expires_at timestamptz not null,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, address_id) references contact_address on delete cascade
);
create index verification_visitor on verification (workspace_id, visitor_key, created_at desc);
create index verification_address on verification (workspace_id, address_id, created_at desc);
create index verification_recent on verification (workspace_id, created_at desc);

-- Keyed hashes of what people told of themselves; two of one hash may be one person.
create table contact_signal (
  workspace_id uuid not null references workspace,
  contact_id uuid not null,
  kind text not null,                   -- tel, whatsapp, email (hashed as addresses are), name, or field:<name>
  hash bytea not null,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, contact_id, kind, hash),
  foreign key (workspace_id, contact_id) references contact on delete cascade
);
create index contact_signal_hash on contact_signal (workspace_id, hash);

create table contact_distinct (
  workspace_id uuid not null references workspace,
  contact_id uuid not null,
  other_id uuid not null check (contact_id < other_id),
  actor text not null,
  at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, contact_id, other_id),
  foreign key (workspace_id, contact_id) references contact on delete cascade,
  foreign key (workspace_id, other_id) references contact on delete cascade
);

do $$
declare t text;
begin
  foreach t in array array['contact_merge', 'conversation_link', 'carried', 'verification', 'contact_signal',
    'contact_distinct'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy one_workspace on %I to frontdesk_app using (workspace_id = frontdesk_workspace())'
                   ' with check (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, insert on %I to frontdesk_app', t);
  end loop;
end $$;
grant update on contact_merge, carried, verification to frontdesk_app;
