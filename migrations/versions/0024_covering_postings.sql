-- A word's postings lie side by side in the index and all over the table: with what a score needs in the key's leaves,
-- three hundred of them are a dozen pages instead of three hundred (docs/speed.md).
create unique index posting_key on posting (workspace_id, term, nr) include (tf, words);
alter table posting drop constraint posting_pkey, add constraint posting_pkey primary key using index posting_key;

-- An index answers alone only for pages that a vacuum has seen.
alter table posting set (autovacuum_vacuum_insert_scale_factor = 0.05);
