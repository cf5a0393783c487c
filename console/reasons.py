"""Codes of why, in plain words: as the desk and the terminal show them."""

WORDS = {
    # decisions
    "answered": "it knew the answer",
    "all": "every answer is approved here",
    "policy_draft": "every answer is approved here",
    "automatic": "it reads like a machine's message",
    "low_confidence": "it is not sure enough",
    "money": "it mentions money",
    "complaint": "it is a complaint",
    "unknown": "it does not know the answer",
    "ungrounded": "nothing in the documents supports it",
    "request": "a person has to confirm it",
    "media": "a person has to look at it",
    "emergency": "it may be an emergency",
    "want_human": "the customer asked for a person",
    "nothing_to_say": "there is nothing to say",
    "policy_off": "the assistant is switched off",
    "said_already": "it has said so already",
    "maybe_opt_out": "the customer may want no more messages",
    "loop": "it may be talking with a machine",
    "turn_failed": "answering failed",
    "worker_lost": "it was interrupted",
    # who owns the conversation
    "replied": "a person replied",
    "took_over": "a person took over",
    # what did not leave, or not yet
    "person_took_over": "a person took over",
    "human_owns": "a person has the conversation",
    "newer_message": "the customer wrote more",
    "opted_out": "the customer has opted out",
    "not_approved": "nobody approved it",
    "no_consent": "the customer has not agreed to be written to",
    "rate": "its turn comes in a moment",
    "breaker": "the provider is having trouble",
    "channel": "the number cannot send now",
    "quiet_hours": "it waits for the morning",
    "workspace_suspended": "the business is suspended",
    "channel_suspended": "the number is suspended",
    "suppressed": "this number cannot be reached",
    "by_template": "a template went in its place",
    "needs_template": "it waits for a template, or for the customer to write",
    "callback_overdue": "a customer has not been called in time",
    "action": "another program could not do it",
    "action_unknown": "nobody knows whether another program did it",
    "action_link": "another program's words lead to an address that is not known",
    # appointments and calendars
    "reminder": "a reminder waits for approval",
    "waitlist": "somebody on the waiting list would be asked",
    "calendar": "the customer would be told of a change in the calendar",
    "reminder_needs_template": "a reminder waits: no template for it is approved",
    "waiter_unreachable": "somebody on the waiting list cannot be written to",
    "calendar_consent_revoked": "the calendar's consent was taken back: connect it again",
    "calendar_forbidden": "the calendar may not be written",
    "calendar_calendar_missing": "the calendar is not there",
    "calendar_client_refused": "Google refuses this installation",
    "calendar_overlap": "somebody is busy in the calendar across an appointment",
    "calendar_time_taken": "moved in the calendar onto another appointment: it was put back",
    "calendar_past": "moved in the calendar into the past: it was put back",
    "calendar_not_possible": "changed in the calendar into what no appointment can be: it was put back",
    "calendar_both_changed": "changed here and in the calendar at once: what is here stays",
    "calendar_event_failed": "Google does not take an appointment's event",
    "calendar_customer_not_told": "changed in the calendar, and the customer could not be told",
    # attachments
    "host_not_allowed": "it lies with somebody we do not trust",
    "too_large": "it is too large",
    "type_unknown": "its kind is unknown",
}


def say(code: str | None) -> str:
    """The words; a code that has none is shown with its underscores taken out."""
    return WORDS.get(code, code.replace("_", " ")) if code else ""
