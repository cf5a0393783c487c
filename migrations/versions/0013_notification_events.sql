-- Who is told something hears it at once. A notification that happens again before it was read counts up: heard again.
create function frontdesk_log_notification() returns trigger language plpgsql as $$ begin
  insert into event (workspace_id, kind, conversation_id, subject_id, details)
  values (new.workspace_id, 'notification.' || case when new.read_at is null then 'added' else 'read' end,
          new.conversation_id, new.id, jsonb_build_object('person_id', new.person_id, 'kind', new.kind));
  return null;
end $$;
create trigger log_new after insert on notification for each row execute function frontdesk_log_notification();
create trigger log after update of times, read_at on notification for each row
  when (old.times is distinct from new.times or old.read_at is distinct from new.read_at)
  execute function frontdesk_log_notification();
