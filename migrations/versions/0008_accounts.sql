-- Who signs in is one person in as many businesses as have let them in, so an account belongs to no workspace. It has a
-- role of its own, which sees accounts and in which businesses they are, and nothing of the businesses.
do $$ begin
  if not exists (select from pg_roles where rolname = 'frontdesk_accounts') then
    create role frontdesk_accounts nologin nosuperuser nobypassrls nocreaterole nocreatedb;
  end if;
end $$;
do $$ begin
  execute format('grant frontdesk_accounts to %I', current_user);
exception when others then
  if sqlstate not in ('0LP01', '42501') then raise; end if;  -- already a member, or a superuser who needs no grant
end $$;

-- As data_key, for what belongs to no workspace.
create table account_key (
  id smallint primary key,
  purpose text not null check (purpose in ('data', 'index')),
  sealed bytea not null,
  sealed_by text not null,
  created_at timestamptz not null default frontdesk_now()
);

create table account (
  id uuid primary key,
  email bytea not null,
  email_hash bytea not null unique,
  password text not null,               -- argon2id, with its parameters and salt
  token_version int not null default 1, -- every access token names it; raising it ends them all
  state text not null default 'active' check (state in ('active', 'disabled')),
  made_with bytea,                      -- the hash of the Idempotency-Key and the request that made it
  created_at timestamptz not null default frontdesk_now(),
  password_at timestamptz not null default frontdesk_now()
);

-- One sign-in: a family of refresh tokens, of which only the newest is good.
create table session (
  id uuid primary key,
  account_id uuid not null references account,
  created_at timestamptz not null default frontdesk_now(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  ended_because text
);
create index on session (account_id) where ended_at is null;
create index on session (expires_at);

create table refresh_token (
  hash bytea primary key,
  session_id uuid not null references session on delete cascade,
  created_at timestamptz not null default frontdesk_now(),
  used_at timestamptz
);
create index on refresh_token (session_id);

do $$
declare t text;
begin
  foreach t in array array['account_key', 'account', 'session', 'refresh_token'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy sign_in on %I to frontdesk_accounts using (true) with check (true)', t);
    execute format('grant select, insert, update on %I to frontdesk_accounts', t);
  end loop;
end $$;
grant delete on session, refresh_token to frontdesk_accounts;

-- A person may have an account; null: they act through keys only, or were invited and have not come yet.
alter table person add column account_id uuid;
create unique index person_account on person (workspace_id, account_id) where account_id is not null;
create index person_of_account on person (account_id) where account_id is not null;
create policy sign_in on person to frontdesk_accounts using (true);
grant select (workspace_id, id, account_id, role, state) on person to frontdesk_accounts;
create policy sign_in on workspace to frontdesk_accounts using (true);
grant select (id, slug, state) on workspace to frontdesk_accounts;

-- What a key may do is the lesser of its own role and its person's. Null: its person's.
alter table api_key add column role text check (role in ('owner', 'admin', 'agent', 'viewer'));

create table invitation (
  workspace_id uuid not null references workspace,
  id uuid not null unique,
  email bytea not null,
  email_hash bytea not null,
  role text not null check (role in ('owner', 'admin', 'agent', 'viewer')),
  token_hash bytea not null,
  invited_by uuid,
  person_id uuid,                       -- who they became
  created_at timestamptz not null default frontdesk_now(),
  expires_at timestamptz not null,
  accepted_at timestamptz,
  revoked_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, invited_by) references person,
  foreign key (workspace_id, person_id) references person
);
create unique index invitation_one_open on invitation (workspace_id, email_hash)
  where accepted_at is null and revoked_at is null;

-- What a person should know. The same again about the same conversation, while it is unread, is the same row.
create table notification (
  workspace_id uuid not null references workspace,
  id uuid not null,
  person_id uuid not null,
  kind text not null,
  topic text not null,                  -- what makes two of them the same
  conversation_id uuid,                 -- no reference: a delivery that fails must not wait for the conversation's lock
  subject_id uuid,                      -- the draft, the delivery, the channel
  reason text,                          -- a code
  body bytea,                           -- words, when somebody wrote any
  times int not null default 1,
  at timestamptz not null default frontdesk_now(),
  read_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, person_id) references person
);
create unique index notification_once on notification (workspace_id, person_id, kind, topic) where read_at is null;
create index on notification (workspace_id, person_id, at desc, id);
create index on notification (workspace_id, subject_id) where read_at is null;
create index on notification (workspace_id, conversation_id);

create table notification_preference (
  workspace_id uuid not null references workspace,
  person_id uuid not null,
  kind text not null,
  way text not null default 'in_app' check (way in ('in_app')),
  wanted boolean not null,
  primary key (workspace_id, person_id, kind, way),
  foreign key (workspace_id, person_id) references person
);

do $$
declare t text;
begin
  foreach t in array array['invitation', 'notification', 'notification_preference'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy one_workspace on %I to frontdesk_app using (workspace_id = frontdesk_workspace())'
                   ' with check (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, insert, update on %I to frontdesk_app', t);
  end loop;
end $$;
create policy erase on notification to frontdesk_eraser using (workspace_id = frontdesk_workspace());
grant select, delete on notification to frontdesk_eraser;
create policy find_work on invitation to frontdesk_dispatch using (true) with check (true);
grant select (workspace_id, id) on invitation to frontdesk_dispatch;
