"""Running it: inside a test's event loop."""

from simulators.common import serving
from simulators.plaid.app import create_app
from simulators.plaid.state import Simulation

Running = serving.Running[Simulation]
serve = serving.serve_with(create_app)
