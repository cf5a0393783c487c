"""Running it: inside a test's event loop, or as a process of its own."""

from simulators.common import serving
from simulators.twilio.app import create_app
from simulators.twilio.state import Simulation

Running = serving.Running[Simulation]
serve = serving.serve_with(create_app)
