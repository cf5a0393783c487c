alter table appointment
  add column confirmed_at timestamptz,  -- they said to a reminder that they will come
  add column reminder_id uuid;          -- the message of the last reminder, to take it back while it waits
create index timer_of_subject on timer (workspace_id, subject_id) where state = 'pending';
