-- What language models were asked, and what it cost: one row an attempt. It is written before the attempt with the
-- most that it can come to, so that a day's budget holds however many ask at once, and settled after it.
create table model_call (
  workspace_id uuid not null references workspace,
  id uuid not null,
  conversation_id uuid,                 -- null: of none, or the customer was erased since
  at timestamptz not null default frontdesk_now(),
  purpose text not null,
  model text not null,                  -- provider:model
  state text not null default 'open' check (state in ('open', 'answered', 'failed')),
  trouble text,
  input_tokens bigint not null,         -- of these, cached and written came from or went to the provider's cache
  output_tokens bigint not null,
  cached_tokens bigint not null default 0,
  written_tokens bigint not null default 0,
  cost numeric(24, 12),                 -- null: the model's price is in no table
  currency text,
  ms int,
  primary key (workspace_id, id),
  foreign key (workspace_id, conversation_id) references conversation on delete set null (conversation_id)
);
create index model_call_day on model_call (workspace_id, at) include (input_tokens, output_tokens, cost, currency);
create index model_call_conversation on model_call (workspace_id, conversation_id);

-- Answers that may be given again. The key is a keyed hash of the whole prompt: the question, the passages, the role.
create table answer_cache (
  workspace_id uuid not null references workspace,
  key bytea not null,
  answer bytea not null,
  expires_at timestamptz not null,
  primary key (workspace_id, key)
);
create index on answer_cache (workspace_id, expires_at);

-- What a long conversation came to, up to a message. Made again when enough has been said since.
create table conversation_summary (
  workspace_id uuid not null references workspace,
  conversation_id uuid not null,
  upto_seq bigint not null,
  body bytea not null,
  at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, conversation_id),
  foreign key (workspace_id, conversation_id) references conversation on delete cascade
);

do $$
declare t text;
begin
  foreach t in array array['model_call', 'answer_cache', 'conversation_summary'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy one_workspace on %I to frontdesk_app using (workspace_id = frontdesk_workspace())'
                   ' with check (workspace_id = frontdesk_workspace())', t);
    execute format('grant select, insert, update on %I to frontdesk_app', t);
  end loop;
end $$;
grant delete on answer_cache to frontdesk_app;
