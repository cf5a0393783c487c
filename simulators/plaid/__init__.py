"""Plaid on loopback: hosted links, public tokens, items, tokens for a processor, and signed webhooks."""

from simulators.plaid.serving import Running, serve
from simulators.plaid.state import BankAccount, Config, Simulation

__all__ = ["BankAccount", "Config", "Running", "Simulation", "serve"]
