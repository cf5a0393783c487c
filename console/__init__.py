"""Pages for owners and admins, and the demo phone."""
