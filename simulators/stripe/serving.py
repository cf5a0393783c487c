"""Running it: inside a test's event loop, or beside a demo."""

from simulators.common import serving
from simulators.stripe.app import create_app
from simulators.stripe.state import Simulation

Running = serving.Running[Simulation]
serve = serving.serve_with(create_app)
