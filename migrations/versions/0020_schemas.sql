-- The schema that a conversation fills, and who chose it; null: none was chosen, it fills the workspace's first.
alter table conversation
  add column schema_name text,
  add column schema_source text check (schema_source in ('rule', 'channel', 'skill', 'human'));

-- A value that left because the conversation went to another schema is null and says which one it left with, to come
-- back with it. The schema itself is told under the field '$schema', which no field can be named.
alter table context_value
  add column left_with text,
  drop constraint context_value_source_check,
  add constraint context_value_source_check
    check (source in ('ai', 'human', 'rule', 'import', 'channel', 'skill'));

-- The customer said something else than what a person had set: for a person to take over, or not.
create table field_suggestion (
  workspace_id uuid not null references workspace,
  id uuid not null,
  conversation_id uuid not null,
  field text not null,
  value bytea not null,                 -- sealed, as the words
  words bytea not null,
  confidence real not null,
  evidence_seq bigint not null,
  turn_id uuid,
  state text not null default 'open' check (state in ('open', 'accepted', 'dismissed', 'superseded')),
  decided_by uuid,
  decided_at timestamptz,
  created_at timestamptz not null default frontdesk_now(),
  primary key (workspace_id, id),
  foreign key (workspace_id, conversation_id) references conversation,
  foreign key (workspace_id, turn_id) references turn,
  foreign key (workspace_id, decided_by) references person
);
create unique index field_suggestion_open on field_suggestion (workspace_id, conversation_id, field)
  where state = 'open';
create index field_suggestion_listed on field_suggestion (workspace_id, state, id desc);
alter table field_suggestion enable row level security;
alter table field_suggestion force row level security;
create policy one_workspace on field_suggestion to frontdesk_app
  using (workspace_id = frontdesk_workspace()) with check (workspace_id = frontdesk_workspace());
grant select, insert, update on field_suggestion to frontdesk_app;
create policy erase on field_suggestion to frontdesk_eraser using (workspace_id = frontdesk_workspace());
grant select, delete on field_suggestion to frontdesk_eraser;

-- What became of one thing: asked for by people, and by rules that are run over the past.
create index audit_of on audit (workspace_id, object_id, n) where object_id is not null;
