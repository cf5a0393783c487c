-- A call that a customer waits for, and what becomes of it: open → taken → done, unreached or cancelled. A customer waits
-- for one at a time.
create table callback (
  workspace_id uuid not null references workspace,
  id uuid not null,                     -- that of the run that asked: asking twice is asking once
  contact_id uuid not null,
  conversation_id uuid not null,
  state text not null default 'open' check (state in ('open', 'taken', 'done', 'unreached', 'cancelled')),
  reason text not null,                 -- a code: want_human, or why the conversation was handed over
  body bytea not null,                  -- number, summary, note
  wanted_at timestamptz,                -- when they would like to be called
  call_at timestamptz not null,         -- when they were told that they would be
  due_at timestamptz not null,          -- people are reminded after this
  attempts int not null default 0,      -- how often they were called in vain
  assignee_id uuid,
  version int not null default 1,
  created_at timestamptz not null default frontdesk_now(),
  ended_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, contact_id) references contact,
  foreign key (workspace_id, conversation_id) references conversation,
  foreign key (workspace_id, assignee_id) references person
);
create unique index callback_once on callback (workspace_id, contact_id) where state in ('open', 'taken');
create index callback_line on callback (workspace_id, call_at, id);
create index callback_of_contact on callback (workspace_id, contact_id);

alter table callback enable row level security;
alter table callback force row level security;
create policy one_workspace on callback to frontdesk_app using (workspace_id = frontdesk_workspace())
  with check (workspace_id = frontdesk_workspace());
grant select, insert, update on callback to frontdesk_app;
create policy erase on callback to frontdesk_eraser using (workspace_id = frontdesk_workspace());
grant select, delete on callback to frontdesk_eraser;

create function frontdesk_log_callback() returns trigger language plpgsql as $$ begin
  insert into event (workspace_id, kind, conversation_id, subject_id, details)
  values (new.workspace_id, case when tg_op = 'INSERT' then 'callback.created' else 'callback.' || new.state end,
          new.conversation_id, new.id, jsonb_build_object('reason', new.reason));
  return null;
end $$;
create trigger log_new after insert on callback for each row execute function frontdesk_log_callback();
create trigger log after update of state on callback for each row
  when (old.state is distinct from new.state) execute function frontdesk_log_callback();
