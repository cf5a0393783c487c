"""WhatsApp: what sort of message it was, templates and how their review stands, and deliveries of templates."""

from migrations.sql import run_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_file("0003_whatsapp.sql")
