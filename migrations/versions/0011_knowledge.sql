-- Knowledge: documents that are uploaded or fetched, read in versions; postings for BM25; vectors; what nobody knew.
alter table document add column origin text not null default 'file' check (origin in ('file', 'upload', 'url'));
alter table document add column version int not null default 0;  -- which version serves; 0: none yet, or a file of the workspace
alter table document add column media_type text;

create table document_version (
  workspace_id uuid not null references workspace,
  id uuid not null,
  document_id uuid not null,
  n int not null,
  state text not null default 'queued'
    check (state in ('queued', 'reading', 'embedding', 'ready', 'unchanged', 'failed', 'superseded')),
  done real not null default 0,         -- of the state that it is in, 0..1
  name text not null,                   -- the file's own name, or the address's last part
  url bytea,                            -- sealed: addresses carry tokens
  original bytea,                       -- sealed; null: not fetched yet, or no longer kept
  sha256 bytea,                         -- of the bytes
  size int,
  media_type text,                      -- as sniffed
  pages int,
  passages int,
  flags jsonb not null default '[]',    -- what was hidden in it, or spoke to the assistant
  problem text,                         -- why it failed: a code
  detail text,                          -- and what would be right
  attempts int not null default 0,
  next_attempt_at timestamptz not null default frontdesk_now(),
  lease_until timestamptz,
  created_at timestamptz not null default frontdesk_now(),
  finished_at timestamptz,
  primary key (workspace_id, id),
  unique (workspace_id, document_id, n),
  foreign key (workspace_id, document_id) references document on delete cascade
);
create index document_version_due on document_version (next_attempt_at) where state in ('queued', 'reading', 'embedding');
create index on document_version (workspace_id, sha256);

-- A number of its own a passage: short, for the many rows that point at it.
alter table passage add column nr bigint generated always as identity;
alter table passage add unique (workspace_id, nr);

-- Which passage has which word how often. A full-text index cannot be used here: its operators are not leakproof, so
-- that row-level security would be asked first, row by row. Equality on a plain index is.
create table posting (
  workspace_id uuid not null references workspace,
  term text collate "C" not null,
  nr bigint not null,
  tf smallint not null,
  words smallint not null,              -- of the whole passage
  primary key (workspace_id, term, nr)
);
create table lexeme (
  workspace_id uuid not null references workspace,
  term text collate "C" not null,       -- '' counts the passages and words of the whole workspace
  passages int not null,
  words bigint not null default 0,
  primary key (workspace_id, term)
) with (fillfactor = 70);

-- `dimensions` and `model` stand with every vector: two are comparable only under one model.
create table embedding (
  workspace_id uuid not null references workspace,
  nr bigint not null,
  model text not null,
  dimensions smallint not null,
  vector halfvec not null,              -- of unit length
  ann boolean not null default false,   -- its workspace has so many that the graph is asked instead of every vector
  primary key (workspace_id, nr, model),
  foreign key (workspace_id, nr) references passage (workspace_id, nr) on delete cascade,
  check (vector_dims(vector) = dimensions)
);
create index embedding_384 on embedding using hnsw ((vector::halfvec(384)) halfvec_ip_ops) where ann and dimensions = 384;
create index embedding_1536 on embedding using hnsw ((vector::halfvec(1536)) halfvec_ip_ops) where ann and dimensions = 1536;

-- One row a workspace: `version` rises with every change, `model` is whose vectors serve.
create table knowledge_state (
  workspace_id uuid primary key references workspace,
  version bigint not null default 0,
  model text,
  ann boolean not null default false,
  due_at timestamptz,                   -- when passages want vectors; null: all have them
  failures int not null default 0,
  lease_until timestamptz
);
create index knowledge_state_due on knowledge_state (due_at) where due_at is not null;

create table knowledge_gap (
  workspace_id uuid not null references workspace,
  id uuid not null,
  group_id uuid,                        -- questions that ask the same have the same; null: nobody has looked yet
  conversation_id uuid not null,
  turn_id uuid not null,
  question bytea not null,
  language text not null,
  state text not null default 'open' check (state in ('open', 'answered', 'dismissed')),
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, conversation_id) references conversation on delete cascade
);
create index on knowledge_gap (workspace_id, created_at desc) where state = 'open';
create index on knowledge_gap (workspace_id, conversation_id);

do $$
declare t text;
begin
  foreach t in array array['document_version', 'posting', 'lexeme', 'embedding', 'knowledge_state', 'knowledge_gap'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy one_workspace on %I to frontdesk_app using (workspace_id = frontdesk_workspace())'
                   ' with check (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, insert, update, delete on %I to frontdesk_app', t);
  end loop;
  foreach t in array array['document_version', 'knowledge_state'] loop
    execute format('create policy find_work on %I to frontdesk_dispatch using (true) with check (true)', t);
  end loop;
end $$;
grant select (workspace_id, id, state, next_attempt_at, lease_until, attempts, created_at),
  update (lease_until, attempts) on document_version to frontdesk_dispatch;
grant select (workspace_id, model, due_at, lease_until), update (lease_until) on knowledge_state to frontdesk_dispatch;

-- How often a passage's words stand in it; those of its headings count three times, as measured best (docs/decisions/0024).
create function passage_words(lexemes tsvector) returns table (term text, tf int) language sql immutable parallel safe as
$$ select lexeme, cardinality(positions) + 2 * cardinality(array_positions(weights, 'A')) from unnest(lexemes) $$;

-- Postings and counts follow the passages, whoever writes these: an older version of the program does not know of them.
-- The lock lets two writers of one workspace's words wait for each other instead of standing in each other's way.
create function passage_added() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(24, hashtext(workspace_id::text)) from (select distinct workspace_id from fresh) w;
  insert into posting (workspace_id, term, nr, tf, words)
    select p.workspace_id, l.term, p.nr, least(l.tf, 32767), least(p.words, 32767)
    from (select *, (select coalesce(sum(tf), 0) from passage_words(lexemes)) as words from fresh) p,
      passage_words(p.lexemes) l;
  insert into lexeme as known (workspace_id, term, passages, words)
    select workspace_id, term, passages, words from (
      select p.workspace_id, l.term, count(*) as passages, 0 as words from fresh p, passage_words(p.lexemes) l group by 1, 2
      union all
      select workspace_id, '', count(*), sum((select coalesce(sum(tf), 0) from passage_words(lexemes)))
        from fresh group by 1) counted
    order by term
    on conflict (workspace_id, term) do update
      set passages = known.passages + excluded.passages, words = known.words + excluded.words;
  insert into knowledge_state as known (workspace_id, version, due_at)
    select workspace_id, 1, frontdesk_now() from (select distinct workspace_id from fresh) w
    on conflict (workspace_id) do update set version = known.version + 1, due_at = frontdesk_now();
  return null;
end $$;

create function passage_removed() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(24, hashtext(workspace_id::text)) from (select distinct workspace_id from gone) w;
  delete from posting using (select workspace_id, nr, unnest(tsvector_to_array(lexemes)) collate "C" as term from gone) g
    where posting.workspace_id = g.workspace_id and posting.term = g.term and posting.nr = g.nr;
  update lexeme set passages = lexeme.passages - counted.passages, words = lexeme.words - counted.words from (
      select p.workspace_id, l.term collate "C" as term, count(*) as passages, 0 as words
        from gone p, passage_words(p.lexemes) l group by 1, 2
      union all
      select workspace_id, '', count(*), sum((select coalesce(sum(tf), 0) from passage_words(lexemes)))
        from gone group by 1) counted
    where lexeme.workspace_id = counted.workspace_id and lexeme.term = counted.term;
  update knowledge_state set version = version + 1 where workspace_id in (select workspace_id from gone);
  return null;
end $$;

-- The passages that are there already, workspace by workspace, under the role that may.
do $$
declare ids uuid[]; one uuid;
begin
  set local role frontdesk_dispatch;
  ids := array(select id from workspace);
  set local role frontdesk_app;
  foreach one in array ids loop
    perform set_config('app.workspace', one::text, true);
    insert into posting (workspace_id, term, nr, tf, words)
      select p.workspace_id, l.term, p.nr, least(l.tf, 32767), least(p.words, 32767)
      from (select *, (select coalesce(sum(tf), 0) from passage_words(lexemes)) as words from passage) p,
        passage_words(p.lexemes) l;
    insert into lexeme (workspace_id, term, passages) select workspace_id, term, count(*) from posting group by 1, 2;
    insert into lexeme (workspace_id, term, passages, words)
      select workspace_id, '', count(*), coalesce(sum(words), 0)
      from (select workspace_id, nr, max(words) as words from posting group by 1, 2) p group by 1;
    insert into knowledge_state (workspace_id, version, due_at)
      select workspace_id, 1, frontdesk_now() from (select distinct workspace_id from passage) w;
  end loop;
  perform set_config('app.workspace', '', true);
  reset role;
end $$;

create trigger passage_added after insert on passage
  referencing new table as fresh for each statement execute function passage_added();
create trigger passage_removed after delete on passage
  referencing old table as gone for each statement execute function passage_removed();
