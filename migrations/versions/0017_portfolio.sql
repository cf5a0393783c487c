-- An account at a broker or custodian. What is in it is sealed; a symbol says nothing without its account.
create table portfolio_account (
  workspace_id uuid not null references workspace,
  id uuid not null,
  contact_id uuid not null,
  source text not null,                 -- csv, alpaca
  external_hash bytea not null,         -- keyed hash of its number at the source
  body bytea not null,                  -- name, mask, cash, its id at the source
  currency text not null,
  synced_at timestamptz not null default frontdesk_now(),
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  unique (workspace_id, source, external_hash),
  foreign key (workspace_id, contact_id) references contact
);
create index portfolio_account_of_contact on portfolio_account (workspace_id, contact_id);

create table portfolio_position (
  workspace_id uuid not null references workspace,
  account_id uuid not null,
  symbol text not null,
  name text not null,
  kind text not null check (kind in ('stock', 'bond', 'fund', 'crypto', 'other')),
  quantity bytea not null,
  primary key (workspace_id, account_id, symbol),
  foreign key (workspace_id, account_id) references portfolio_account on delete cascade
);

-- One row a symbol and day, whoever holds it.
create table price (
  workspace_id uuid not null references workspace,
  symbol text not null,
  currency text not null,
  day date not null,
  amount numeric not null check (amount >= 0),
  at timestamptz not null,
  primary key (workspace_id, symbol, currency, day)
);

do $$
declare t text;
begin
  foreach t in array array['portfolio_account', 'portfolio_position', 'price'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy one_workspace on %I to frontdesk_app using (workspace_id = frontdesk_workspace())'
                   ' with check (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, insert, update, delete on %I to frontdesk_app', t);
  end loop;
end $$;
create policy erase on portfolio_account to frontdesk_eraser using (workspace_id = frontdesk_workspace());
grant select, delete on portfolio_account to frontdesk_eraser;
