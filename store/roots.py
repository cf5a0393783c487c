"""Whose a contact or an address is since people were merged into one."""


def root_of(row: str, own: str = "id") -> str:
    """SQL for the id of the contact that this row of `contact`, or of `contact_address` (`own` is "contact_id"), belongs
    to. It is a CASE because Postgres takes a COALESCE for something that might give away what it sees, and behind
    row-level security looks it up in no index: every contact of the business was read for one of them."""
    return f"case when {row}.root_id is null then {row}.{own} else {row}.root_id end"
