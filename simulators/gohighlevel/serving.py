"""Running it: inside a test's event loop, or as a process of its own."""

from simulators.common import serving
from simulators.gohighlevel.app import create_app
from simulators.gohighlevel.state import Simulation

Running = serving.Running[Simulation]
serve = serving.serve_with(create_app)
