"""`python -m simulators.gohighlevel --port 8006`: prints one line, "ready http://…", when it listens.

FRONTDESK_GHL_URL is then that address; FRONTDESK_GHL_WEBHOOK_KEYS, location and token are printed on the next line.
"""

from simulators.common.process import options, run
from simulators.gohighlevel.serving import serve
from simulators.gohighlevel.state import Simulation


def known(here: Simulation) -> str:
    config = here.config
    return f"FRONTDESK_GHL_WEBHOOK_KEYS={here.public_key} location={config.location} token={config.token}"


if __name__ == "__main__":
    run(serve, options("gohighlevel", __doc__, 8006).parse_args(), begin=known)
