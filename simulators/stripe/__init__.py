"""Stripe on loopback: Checkout Sessions, idempotency keys, people who pay, and signed webhooks."""

from simulators.stripe.serving import Running, serve
from simulators.stripe.state import Config, Simulation

__all__ = ["Config", "Running", "Simulation", "serve"]
