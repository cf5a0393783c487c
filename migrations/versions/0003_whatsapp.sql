alter table message
  add column kind text not null default 'text',
  add column provider_id text,          -- of what a customer sent: a reply or reaction names it, a read receipt needs it
  add column details bytea;             -- sealed JSON: choice, reply_to, buttons, variables

create table template (
  workspace_id uuid not null references workspace,
  id uuid not null,
  channel_id uuid not null,
  name text not null,
  category text not null,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, channel_id, name),
  foreign key (workspace_id, channel_id) references channel
);

create table template_version (
  workspace_id uuid not null references workspace,
  id uuid not null,
  template_id uuid not null,
  locale text not null,
  n int not null default 1,             -- a changed text is a new version: the provider reviews it again
  body text not null,
  variables text[] not null,            -- where {{1}}, {{2}}, … come from
  status text not null default 'draft'
    check (status in ('draft', 'submitted', 'approved', 'rejected', 'paused', 'disabled', 'retired')),
  reason text,
  provider_id text,
  provider_name text not null,
  attempts int not null default 0,
  next_check_at timestamptz not null default frontdesk_now(),
  lease_until timestamptz,
  created_at timestamptz not null default frontdesk_now(),
  updated_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, template_id, locale, n),
  foreign key (workspace_id, template_id) references template
);
create index template_version_due on template_version (next_check_at)
  where status in ('draft', 'submitted', 'approved', 'paused');

-- A template that opens a conversation again leaves before the words that wait for it.
alter table delivery
  add column template_version_id uuid,
  add foreign key (workspace_id, template_version_id) references template_version;

do $$
declare t text;
begin
  foreach t in array array['template', 'template_version'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy one_workspace on %I to frontdesk_app using (workspace_id = frontdesk_workspace()) with check (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, insert, update on %I to frontdesk_app', t);
  end loop;
end $$;
create policy find_work on template_version to frontdesk_dispatch using (true) with check (true);
grant select (workspace_id, id, status, next_check_at, lease_until), update (lease_until) on template_version to frontdesk_dispatch;
grant select (template_version_id) on delivery to frontdesk_dispatch;
grant select (reason) on delivery to frontdesk_dispatch;
