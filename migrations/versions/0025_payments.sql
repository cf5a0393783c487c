-- What a customer is asked to pay, once: a page at the provider, of which this is the truth here. The amount is the
-- business's own (skills.payment). It outlives its customer, without anything that tells who.
-- asked → open → processing → paid → refunded; expired, cancelling → cancelled, failed; mismatch: something else was paid.
create table payment (
  workspace_id uuid not null references workspace,
  id uuid not null,                     -- follows from the run or the appointment; the idempotency key at the provider
  contact_id uuid,
  conversation_id uuid,                 -- where its customer is told of it
  appointment_id uuid,
  item text not null,
  amount numeric(18, 3) not null check (amount > 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  body bytea,                           -- what the customer reads, their language, the provider's page
  requested_by text not null,           -- customer, appointment, or person:…
  state text not null check (state in ('asked', 'open', 'processing', 'paid', 'mismatch', 'refunded', 'expired',
    'cancelling', 'cancelled', 'failed')),
  account text not null default '',     -- the business's account at the provider when it was asked for
  session_id text,
  intent_id text,
  paid numeric(18, 3),
  paid_currency text,
  refunded numeric(18, 3) not null default 0,
  reason text,
  key_n integer not null default 1,     -- a key that has failed for good is followed by the next
  started_at timestamptz,               -- of the first request with this key
  expires_at timestamptz,               -- as asked of the provider with this key
  paid_at timestamptz,
  ended_at timestamptz,
  attempts integer not null default 0,
  next_at timestamptz,                  -- when the worker looks at it next; null when it need not
  lease_until timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, session_id),
  foreign key (workspace_id, contact_id) references contact on delete set null (contact_id)
);
create index payment_of_contact on payment (workspace_id, contact_id, created_at desc);
create index payment_recent on payment (workspace_id, created_at desc, id desc);
create index payment_by_id on payment (id);
create index payment_due on payment (next_at) where next_at is not null;
-- Asked twice is asked once.
create unique index payment_once on payment
  (workspace_id, contact_id, item, coalesce(appointment_id, '00000000-0000-0000-0000-000000000000'))
  where state in ('asked', 'open', 'processing');

-- What the provider told of it, each once: the receipt of a webhook.
create table payment_event (
  workspace_id uuid not null references workspace,
  id text not null,                     -- the provider's: evt_…
  payment_id uuid not null,
  kind text not null,
  at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, payment_id) references payment
);
create index payment_event_of on payment_event (workspace_id, payment_id, at);

do $$
declare t text;
begin
  foreach t in array array['payment', 'payment_event'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy one_workspace on %I to frontdesk_app using (workspace_id = frontdesk_workspace())'
                   ' with check (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, insert on %I to frontdesk_app', t);
  end loop;
end $$;
grant update on payment to frontdesk_app;
create policy find_work on payment to frontdesk_dispatch using (true) with check (true);
grant select (workspace_id, id, state, next_at, lease_until), update (lease_until) on payment to frontdesk_dispatch;

create function frontdesk_log_payment() returns trigger language plpgsql as $$ begin
  insert into event (workspace_id, kind, conversation_id, subject_id, details)
  values (new.workspace_id, 'payment.' || new.state, new.conversation_id, new.id, '{}');
  return null;
end $$;
create trigger log_new after insert on payment for each row execute function frontdesk_log_payment();
create trigger log after update of state on payment for each row
  when (old.state is distinct from new.state) execute function frontdesk_log_payment();
