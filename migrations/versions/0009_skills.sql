-- A skill's go at one goal. What it has gathered, offered and read back is sealed in `body`.
create table skill_run (
  workspace_id uuid not null references workspace,
  id uuid not null,
  conversation_id uuid not null,
  contact_id uuid not null,
  skill text not null,
  goal text not null,
  state text not null check (state in ('active', 'waiting', 'done', 'cancelled', 'failed')),
  began_seq bigint not null,
  body bytea not null,
  turn_id uuid,
  version int not null default 1,
  created_at timestamptz not null default frontdesk_now(),
  touched_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, conversation_id) references conversation,
  foreign key (workspace_id, contact_id) references contact
);
create index skill_run_active on skill_run (workspace_id, conversation_id) where state in ('active', 'waiting');
create index skill_run_by_time on skill_run (workspace_id, touched_at desc, id desc);

-- One seat of one resource: a number, because the exclusion below compares ranges and the embedded Postgres has no
-- btree_gist to compare names.
create table booking_lane (
  workspace_id uuid not null references workspace,
  resource text not null,
  seat int not null,
  lane bigint generated always as identity unique,
  primary key (workspace_id, resource, seat)
);

-- held → booked | released | expired;  booked → cancelled | done | no_show
create table appointment (
  workspace_id uuid not null references workspace,
  id uuid not null,
  run_id uuid,
  contact_id uuid not null,
  conversation_id uuid,
  service text not null,
  resource text not null,
  seat int not null,
  lane bigint not null,                 -- booking_lane's
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  blocked_until timestamptz not null,
  state text not null check (state in ('held', 'booked', 'released', 'expired', 'cancelled', 'done', 'no_show')),
  held_until timestamptz,
  name bytea,
  note bytea,
  source text not null default 'customer' check (source in ('customer', 'person', 'import', 'google')),
  version int not null default 1,
  created_at timestamptz not null default frontdesk_now(),
  updated_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, contact_id) references contact,
  foreign key (workspace_id, resource, seat) references booking_lane,
  check (starts_at < ends_at and ends_at <= blocked_until),
  constraint appointment_one_at_a_time exclude using gist (
    int8range(lane, lane, '[]') with &&, tstzrange(starts_at, blocked_until) with &&
  ) where (state in ('held', 'booked'))
);
create index appointment_busy on appointment (workspace_id, starts_at) where state in ('held', 'booked');
create index appointment_of_contact on appointment (workspace_id, contact_id, starts_at);
create index appointment_of_run on appointment (workspace_id, run_id) where state = 'held';

-- What happens when a draft is approved, beside its words being sent.
alter table draft add column effects bytea;

do $$
declare t text;
begin
  foreach t in array array['skill_run', 'booking_lane', 'appointment'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy one_workspace on %I to frontdesk_app using (workspace_id = frontdesk_workspace())'
                   ' with check (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, insert on %I to frontdesk_app', t);
  end loop;
end $$;
grant update on skill_run, appointment to frontdesk_app;

do $$
declare t text;
begin
  foreach t in array array['skill_run', 'appointment'] loop
    execute format('create policy erase on %I to frontdesk_eraser using (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, delete on %I to frontdesk_eraser', t);
  end loop;
end $$;
