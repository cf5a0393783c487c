"""Running it: inside a test's event loop."""

from simulators.alpaca.app import create_app
from simulators.alpaca.state import Simulation
from simulators.common import serving

Running = serving.Running[Simulation]
serve = serving.serve_with(create_app)
