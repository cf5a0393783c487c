-- A home in the words of its feed. Nothing here is of a customer, so nothing is sealed.
create table listing (
  workspace_id uuid not null references workspace,
  key text not null,                    -- the feed's
  number text not null default '',      -- what people know it by
  status text not null check (status in ('active', 'pending', 'sold', 'off')),
  deal text not null check (deal in ('sale', 'rent')),
  kind text not null,
  price numeric(14, 2) not null,
  beds int not null,
  baths numeric(4, 1),
  size int,                             -- square feet
  lot int,
  year int,
  address text not null,
  city text not null,
  postal_code text not null,
  neighbourhood text not null,
  latitude double precision,
  longitude double precision,
  features text[] not null default '{}',
  remarks text not null default '',
  fee numeric(12, 2),
  listed_on date,
  sold_price numeric(14, 2),
  sold_on date,
  words text not null default '',       -- what its vector is made of
  words_hash text not null generated always as (md5(words)) stored,
  places text[] not null,               -- neighbourhood, city and postal code, in small letters
  modified_at timestamptz not null,     -- the feed's; a row gives way only to a newer one
  created_at timestamptz not null default frontdesk_now(),
  updated_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, key)
);
-- All that a filter looks at, so that the words of homes that do not fit are never read.
create index listing_active on listing (workspace_id, deal) include (key, price, beds, baths, size, year, kind, places,
  features, listed_on) where status = 'active';
create index listing_sold on listing (workspace_id, sold_on) where status = 'sold';
create index listing_newest on listing (workspace_id, modified_at desc, key);

-- One a listing and model. It serves until the one of newer words is made.
create table listing_vector (
  workspace_id uuid not null references workspace,
  key text not null,
  model text not null,
  words_hash text not null,
  vector halfvec not null,
  primary key (workspace_id, model, key),
  foreign key (workspace_id, key) references listing on delete cascade
);

-- When listings of a workspace want vectors, and whose they have.
create table listing_state (
  workspace_id uuid primary key references workspace,
  version bigint not null default 0,
  model text,
  due_at timestamptz,
  failures int not null default 0,
  lease_until timestamptz
);
create index listing_state_due on listing_state (due_at) where due_at is not null;

-- Homes that a customer keeps in mind.
create table shortlisted (
  workspace_id uuid not null references workspace,
  contact_id uuid not null,
  key text not null,
  added_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, contact_id, key),
  foreign key (workspace_id, contact_id) references contact,
  foreign key (workspace_id, key) references listing on delete cascade
);

-- What an appointment is about (a home that is shown): nobody else is there at the same time.
alter table appointment add column about text, add column about_called text, add column about_lane bigint;
alter table appointment add constraint appointment_about_one_at_a_time exclude using gist (
  int8range(about_lane, about_lane, '[]') with &&, tstzrange(starts_at, ends_at) with &&
) where (state in ('held', 'booked') and about_lane is not null);

do $$
declare t text;
begin
  foreach t in array array['listing', 'listing_vector', 'listing_state', 'shortlisted'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy one_workspace on %I to frontdesk_app using (workspace_id = frontdesk_workspace())'
                   ' with check (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, insert, update, delete on %I to frontdesk_app', t);
  end loop;
end $$;
create policy find_work on listing_state to frontdesk_dispatch using (true) with check (true);
grant select (workspace_id, model, due_at, lease_until), update (lease_until) on listing_state to frontdesk_dispatch;
create policy erase on shortlisted to frontdesk_eraser using (workspace_id = frontdesk_workspace());
grant select, delete on shortlisted to frontdesk_eraser;
