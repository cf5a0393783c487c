alter table conversation
  add column status text,               -- of the workflow; null before its first turn
  add column status_at timestamptz,
  add column priority text not null default 'normal' check (priority in ('low', 'normal', 'high', 'urgent')),
  add column tags text[] not null default '{}',
  add column assignee_id uuid;

-- A rule did something. Only ever added to.
create table rule_run (
  workspace_id uuid not null references workspace,
  id uuid not null,
  rule text not null,
  trigger text not null,
  conversation_id uuid not null,
  contact_id uuid not null,
  turn_id uuid,
  did text[] not null,
  why text not null,
  at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, conversation_id) references conversation,
  foreign key (workspace_id, contact_id) references contact
);
create index rule_run_of_contact on rule_run (workspace_id, contact_id, rule);
create index rule_run_by_rule on rule_run (workspace_id, rule, at desc);
alter table rule_run enable row level security;
alter table rule_run force row level security;
create policy one_workspace on rule_run to frontdesk_app
  using (workspace_id = frontdesk_workspace()) with check (workspace_id = frontdesk_workspace());
grant select, insert on rule_run to frontdesk_app;
create policy erase on rule_run to frontdesk_eraser using (workspace_id = frontdesk_workspace());
grant select, delete on rule_run to frontdesk_eraser;

-- A rule that waits names itself and the action that comes next.
alter table timer add column details jsonb not null default '{}';

create function frontdesk_log_status() returns trigger language plpgsql as $$ begin
  insert into event (workspace_id, kind, conversation_id, subject_id, details)
  values (new.workspace_id, 'conversation.status_changed', new.id, new.id,
          jsonb_strip_nulls(jsonb_build_object('from', old.status, 'to', new.status)));
  return null;
end $$;
create trigger log_status after update of status on conversation for each row
  when (old.status is distinct from new.status) execute function frontdesk_log_status();

create function frontdesk_log_appointment() returns trigger language plpgsql as $$ begin
  insert into event (workspace_id, kind, conversation_id, subject_id)
  values (new.workspace_id, 'appointment.' || case when new.state = 'booked' and tg_op = 'UPDATE' and old.state = 'booked'
          then 'moved' else new.state end, new.conversation_id, new.id);
  return null;
end $$;
create trigger log_new after insert on appointment for each row when (new.state = 'booked')
  execute function frontdesk_log_appointment();
create trigger log after update of state, starts_at, lane on appointment for each row
  when ((old.state is distinct from new.state and new.state in ('booked', 'cancelled', 'done', 'no_show'))
        or (new.state = 'booked' and (old.starts_at, old.lane) is distinct from (new.starts_at, new.lane)))
  execute function frontdesk_log_appointment();

-- How far the log of events has been read for a workspace's rules; there for those whose rules need it.
create table rule_cursor (
  workspace_id uuid primary key references workspace,
  tx bigint not null,
  n bigint not null
);
alter table rule_cursor enable row level security;
alter table rule_cursor force row level security;
create policy one_workspace on rule_cursor to frontdesk_app
  using (workspace_id = frontdesk_workspace()) with check (workspace_id = frontdesk_workspace());
grant select, insert, update, delete on rule_cursor to frontdesk_app;
create policy find_work on rule_cursor to frontdesk_dispatch using (true);
grant select on rule_cursor to frontdesk_dispatch;
