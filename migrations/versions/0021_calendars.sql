-- Calendars elsewhere: feeds that they subscribe to, links by which we write into them and read what is taken there.

-- A secret address under which appointments are read as iCalendar.
create table calendar_feed (
  workspace_id uuid not null references workspace,
  id uuid not null,
  resource text not null default '',    -- '' is the whole business
  tells text not null check (tells in ('busy', 'service', 'name')),
  key bytea not null,                   -- keyed hash of the secret in its address
  created_at timestamptz not null default frontdesk_now(),
  revoked_at timestamptz,
  primary key (workspace_id, id)
);
create unique index calendar_feed_key on calendar_feed (workspace_id, key);
create index appointment_changed on appointment (workspace_id, updated_at);

-- A person was sent to Google to consent; whoever comes back with `state` finishes it, once.
create table calendar_consent (
  workspace_id uuid not null references workspace,
  id uuid not null,
  resource text not null,
  tells text not null check (tells in ('busy', 'service', 'name')),
  body bytea not null,                  -- calendar and verifier
  key bytea not null,                   -- keyed hash of the state
  actor text not null,
  until timestamptz not null,
  used_at timestamptz,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id)
);
create unique index calendar_consent_key on calendar_consent (workspace_id, key);

-- One calendar elsewhere for one resource ('*' is the business). connected ⇄ revoked | broken;  → removed
create table calendar_link (
  workspace_id uuid not null references workspace,
  id uuid not null,
  resource text not null,
  provider text not null default 'google' check (provider in ('google')),
  tells text not null check (tells in ('busy', 'service', 'name')),
  calendar bytea not null,              -- its id there, often somebody's address
  credentials bytea,                    -- the refresh token
  state text not null default 'connected' check (state in ('connected', 'revoked', 'broken', 'removed')),
  reason text,
  sync_token bytea,
  full_at timestamptz,                  -- when all of it was read last
  synced_at timestamptz,
  channel_id uuid,                      -- of the push channel
  channel_resource text,
  channel_key bytea,                    -- keyed hash of its token
  channel_until timestamptz,
  next_sync_at timestamptz not null default frontdesk_now(),
  rests_until timestamptz,              -- the provider wants fewer calls
  lease_until timestamptz,
  attempts int not null default 0,
  created_at timestamptz not null default frontdesk_now(),
  updated_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id)
);
create unique index calendar_link_one on calendar_link (workspace_id, resource) where state <> 'removed';

-- An appointment's event in a calendar elsewhere. No reference to the appointment: when that is erased, the event there
-- is to go too. due → done | failed;  left: the calendar was taken away, it stays as it is.
create table calendar_event (
  workspace_id uuid not null references workspace,
  link_id uuid not null,
  appointment_id uuid not null,
  state text not null default 'due' check (state in ('due', 'done', 'failed', 'left')),
  change int not null default 1,        -- grows with every change of the appointment
  n int not null default 1,             -- which event of the appointment: the id of a deleted one is never taken again
  event_id text,                        -- set before it is sent
  etag text,
  told_start timestamptz,               -- what stands there, as far as we know; null: nothing
  told_end timestamptz,
  reason text,
  next_attempt_at timestamptz not null default frontdesk_now(),
  lease_until timestamptz,
  attempts int not null default 0,
  updated_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, link_id, appointment_id),
  foreign key (workspace_id, link_id) references calendar_link
);
create index calendar_event_due on calendar_event (next_attempt_at) where state = 'due';
create index calendar_event_of on calendar_event (workspace_id, appointment_id);
create index calendar_event_id on calendar_event (workspace_id, link_id, event_id);

-- When somebody is busy elsewhere, and nothing of why. `told` are appointments of which a person knows that they overlap.
create table calendar_busy (
  workspace_id uuid not null references workspace,
  link_id uuid not null,
  event_id text not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  told uuid[] not null default '{}',
  primary key (workspace_id, link_id, event_id),
  foreign key (workspace_id, link_id) references calendar_link
);
create index calendar_busy_when on calendar_busy (workspace_id, starts_at);

-- Who waits for a time. waiting ⇄ asked;  → booked | left | over
create table waitlist (
  workspace_id uuid not null references workspace,
  id uuid not null,
  contact_id uuid not null,
  conversation_id uuid not null,
  service text not null,
  resource text not null default '',    -- '' is whoever is free
  starts_at timestamptz not null,       -- wanted from here
  ends_at timestamptz not null,         -- beginning before this
  earliest time not null default '00:00',
  latest time not null default '23:59:59.999999',
  state text not null default 'waiting' check (state in ('waiting', 'asked', 'booked', 'left', 'over')),
  reason text,
  known timestamptz[] not null default '{}',  -- beginnings that they did not want
  run_id uuid,                          -- of the question
  offered_at timestamptz,               -- the beginning that they are asked about
  until timestamptz,                    -- how long it is kept for them
  asks int not null default 0,
  next_check_at timestamptz,
  created_at timestamptz not null default frontdesk_now(),
  updated_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, contact_id) references contact,
  foreign key (workspace_id, conversation_id) references conversation
);
create index waitlist_line on waitlist (workspace_id, created_at, id) where state in ('waiting', 'asked');
create index waitlist_of_contact on waitlist (workspace_id, contact_id);
create index waitlist_due on waitlist (next_check_at) where state in ('waiting', 'asked');

do $$
declare t text;
begin
  foreach t in array array['calendar_feed', 'calendar_consent', 'calendar_link', 'calendar_event', 'calendar_busy', 'waitlist'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy one_workspace on %I to frontdesk_app using (workspace_id = frontdesk_workspace())'
                   ' with check (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, insert, update on %I to frontdesk_app', t);
  end loop;
  foreach t in array array['calendar_link', 'calendar_event', 'waitlist'] loop
    execute format('create policy find_work on %I to frontdesk_dispatch using (true) with check (true)', t);
  end loop;
end $$;
grant delete on calendar_busy to frontdesk_app;
grant select (workspace_id, id, state, next_sync_at, rests_until, lease_until), update (lease_until) on calendar_link
  to frontdesk_dispatch;
grant select (workspace_id, link_id, appointment_id, state, next_attempt_at, lease_until), update (lease_until)
  on calendar_event to frontdesk_dispatch;
grant select (workspace_id, id, state, next_check_at) on waitlist to frontdesk_dispatch;

create policy erase on waitlist to frontdesk_eraser using (workspace_id = frontdesk_workspace());
grant select, delete on waitlist to frontdesk_eraser;
create policy erase on calendar_event to frontdesk_eraser using (workspace_id = frontdesk_workspace());
grant select, update (state, change, next_attempt_at, attempts, reason) on calendar_event to frontdesk_eraser;

-- The database itself sees to it that what changed here is told elsewhere, in the transaction of the change, whichever
-- path or version of the program changed it. They decide nothing.
create function frontdesk_calendar_due() returns trigger language plpgsql as $$
declare a appointment;
begin
  if tg_op = 'DELETE' then a := old; else a := new; end if;
  update calendar_event set state = 'due', change = change + 1, next_attempt_at = frontdesk_now(), attempts = 0, reason = null
    where workspace_id = a.workspace_id and appointment_id = a.id and state <> 'left';
  if tg_op <> 'DELETE' and a.state = 'booked' then
    insert into calendar_event (workspace_id, link_id, appointment_id)
      select l.workspace_id, l.id, a.id from calendar_link l where l.workspace_id = a.workspace_id
        and l.state <> 'removed' and l.resource in (a.resource, '*') order by l.resource = '*' limit 1
      on conflict do nothing;
  end if;
  return null;
end $$;
create trigger calendar_new after insert on appointment for each row
  when (new.state = 'booked') execute function frontdesk_calendar_due();
create trigger calendar after update of state, starts_at, ends_at, resource on appointment for each row
  when (new.state <> 'held' and (old.state, old.starts_at, old.ends_at, old.resource)
        is distinct from (new.state, new.starts_at, new.ends_at, new.resource))
  execute function frontdesk_calendar_due();
create trigger calendar_gone after delete on appointment for each row execute function frontdesk_calendar_due();

create function frontdesk_time_free() returns trigger language plpgsql as $$ begin
  update waitlist set next_check_at = frontdesk_now() where workspace_id = old.workspace_id and state = 'waiting';
  return null;
end $$;
create trigger time_free after update of state, starts_at, blocked_until, lane on appointment for each row
  when (old.state in ('held', 'booked') and (new.state not in ('held', 'booked')
        or (old.lane, old.starts_at, old.blocked_until) is distinct from (new.lane, new.starts_at, new.blocked_until)))
  execute function frontdesk_time_free();

-- Who is asked and writes STOP stands in nobody's way.
create function frontdesk_waits_no_more() returns trigger language plpgsql as $$ begin
  update waitlist w set next_check_at = frontdesk_now() from contact c
    where w.workspace_id = new.workspace_id and w.state in ('waiting', 'asked') and c.workspace_id = w.workspace_id
    and c.id = w.contact_id and coalesce(c.root_id, c.id) = coalesce(new.root_id, new.contact_id);
  return null;
end $$;
create trigger waits_no_more after update of opted_out_at on contact_address for each row
  when (old.opted_out_at is null and new.opted_out_at is not null) execute function frontdesk_waits_no_more();
