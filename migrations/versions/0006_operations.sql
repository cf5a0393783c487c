-- The request that brought a message, and that its answer answers: for the logs. The webhook's transaction says it.
alter table message add column trace text default nullif(current_setting('app.trace', true), '');
alter table turn add column trace text;

-- For /metrics: which channels do not send.
grant select (state, open_until) on channel to frontdesk_dispatch;

-- Which database this is. A backup that is restored elsewhere brings this row along and the server says otherwise: then
-- nothing is sent before `frontdesk migrate --restored` has looked after what may have left since the backup.
create table installation (
  one boolean primary key default true check (one),
  system_identifier text not null,      -- of the server, from its control file
  database_oid bigint not null,
  since timestamptz not null default clock_timestamp(),
  restored_at timestamptz               -- when a restored backup was last made fit to run
);
alter table installation enable row level security;
alter table installation force row level security;
create policy everyone on installation using (true) with check (true);  -- only the owner may write, by grant
grant select on installation to frontdesk_app, frontdesk_dispatch;
