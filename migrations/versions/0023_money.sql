-- A bank account of a client. Numbers, tokens and names are sealed; what is shown of it is its mask.
-- wanted → offered → linking → checking → ready; by hand: vouching → linking → …; and login_required, failed, removed
create table bank_link (
  workspace_id uuid not null references workspace,
  id uuid not null,
  contact_id uuid not null,
  conversation_id uuid,                 -- where its owner is told of it
  account_id uuid not null,             -- the brokerage account that money moves from and to
  kind text not null check (kind in ('plaid', 'manual')),
  state text not null check (state in
    ('wanted', 'offered', 'vouching', 'linking', 'checking', 'ready', 'login_required', 'failed', 'removed')),
  body bytea not null,                  -- bank, holder, mask, numbers, Plaid's tokens, the broker's relationship
  number_hash bytea,                    -- keyed hash of routing and account number: once a client
  entered_by uuid,                      -- who typed it, when somebody of the business did
  reason text,
  ready_at timestamptz,                 -- since when it is there; cooling off counts from here
  next_at timestamptz,                  -- when the worker looks at it next; null when it need not
  lease_until timestamptz,
  attempts integer not null default 0,
  version integer not null default 1,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, contact_id) references contact
);
create index bank_link_of_contact on bank_link (workspace_id, contact_id);
create index bank_link_due on bank_link (next_at) where next_at is not null;
create unique index bank_link_once on bank_link (workspace_id, contact_id, account_id, number_hash)
  where state not in ('failed', 'removed');

-- What a client has asked for and confirmed, each once: a transfer, an order to trade, an account to be opened.
-- approval → queued → sending → sent → completed; unknown: nobody can say whether the provider has it, and it is looked
-- for, never sent again. It outlives its client (money moved stays on the books), without anything that tells who.
create table money_intent (
  workspace_id uuid not null references workspace,
  id uuid not null,                     -- follows from the run: the idempotency key
  kind text not null check (kind in ('transfer', 'order', 'account')),
  run_id uuid not null,
  contact_id uuid,
  conversation_id uuid,
  account_id uuid,
  bank_id uuid,
  direction text check (direction in ('in', 'out')),
  amount numeric(18, 2) not null check (amount >= 0),
  fee numeric(18, 2) not null default 0 check (fee >= 0),
  currency text not null,
  digest text not null,                 -- of all that was read back; the code was for this
  body bytea,                           -- the rest of it, and by which words it was authorised
  requested_by text not null,           -- customer, or person:…
  state text not null check (state in ('approval', 'queued', 'sending', 'unknown', 'sent', 'completed', 'failed',
    'returned', 'refused', 'cancelled', 'expired')),
  needs integer not null check (needs between 0 and 2),
  provider_id text,
  provider_state text,
  reason text,
  confirmed_at timestamptz not null,
  started_at timestamptz,               -- of the one attempt that may have reached the provider
  attempts integer not null default 0,
  looked integer not null default 0,    -- how often it was looked for in vain
  ended_at timestamptz,
  next_at timestamptz,
  lease_until timestamptz,
  version integer not null default 1,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, run_id),
  unique (workspace_id, kind, provider_id),
  foreign key (workspace_id, contact_id) references contact on delete set null (contact_id),
  check ((kind = 'transfer') = (direction is not null)),
  check (kind <> 'transfer' or amount > 0)
);
create index money_intent_of_contact on money_intent (workspace_id, contact_id, created_at desc);
create index money_intent_recent on money_intent (workspace_id, confirmed_at desc);
create index money_intent_due on money_intent (next_at) where next_at is not null;
-- One at a time for a bank account: whatever the provider then has of it can only be this one.
create unique index money_intent_in_flight on money_intent (workspace_id, account_id, kind)
  where state in ('sending', 'unknown') and kind = 'transfer';

create table money_approval (
  workspace_id uuid not null references workspace,
  intent_id uuid not null,
  person_id uuid not null,
  yes boolean not null,
  at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, intent_id, person_id),
  foreign key (workspace_id, intent_id) references money_intent,
  foreign key (workspace_id, person_id) references person
);

-- The books: only ever added to, each event of a transfer once, and each sums to nothing.
create table money_entry (
  workspace_id uuid not null references workspace,
  n bigint generated always as identity,
  intent_id uuid not null,
  event text not null check (event in ('sent', 'completed', 'reversed', 'fee')),
  account text not null check (account in ('bank', 'transit', 'brokerage', 'fees')),
  amount numeric(18, 2) not null,
  currency text not null,
  at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, intent_id, event, account),
  foreign key (workspace_id, intent_id) references money_intent
);
create function frontdesk_balanced() returns trigger language plpgsql as $$ begin
  if (select sum(amount) from money_entry where workspace_id = new.workspace_id and intent_id = new.intent_id
      and event = new.event) <> 0 then
    raise exception 'the entries of % do not sum to nothing', new.intent_id using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger balanced after insert on money_entry deferrable initially deferred
  for each row execute function frontdesk_balanced();

do $$
declare t text;
begin
  foreach t in array array['bank_link', 'money_intent', 'money_approval', 'money_entry'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy one_workspace on %I to frontdesk_app using (workspace_id = frontdesk_workspace())'
                   ' with check (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, insert on %I to frontdesk_app', t);
  end loop;
  foreach t in array array['bank_link', 'money_intent'] loop
    execute format('grant update on %I to frontdesk_app', t);
    execute format('create policy find_work on %I to frontdesk_dispatch using (true) with check (true)', t);
    execute format('grant select (workspace_id, id, state, next_at, lease_until), update (lease_until) on %I'
                   ' to frontdesk_dispatch', t);
  end loop;
end $$;
create policy erase on bank_link to frontdesk_eraser using (workspace_id = frontdesk_workspace());
grant select, delete on bank_link to frontdesk_eraser;

create function frontdesk_log_money() returns trigger language plpgsql as $$ begin
  insert into event (workspace_id, kind, conversation_id, subject_id, details)
  values (new.workspace_id, new.kind || '.' || new.state, new.conversation_id, new.id, '{}');
  return null;
end $$;
create trigger log_new after insert on money_intent for each row execute function frontdesk_log_money();
create trigger log after update of state on money_intent for each row
  when (old.state is distinct from new.state) execute function frontdesk_log_money();
