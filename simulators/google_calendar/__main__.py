"""`python -m simulators.google_calendar --port 8004`: prints one line, "ready http://…", when it listens.

FRONTDESK_GOOGLE_URL is then that address; GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET are printed on the next line.
"""

from simulators.common.process import options, run
from simulators.google_calendar.serving import serve
from simulators.google_calendar.state import Simulation


def known(here: Simulation) -> str:
    return f"GOOGLE_CLIENT_ID={here.config.client_id} GOOGLE_CLIENT_SECRET={here.config.client_secret}"


if __name__ == "__main__":
    run(serve, options("google_calendar", __doc__, 8004).parse_args(), begin=known)
