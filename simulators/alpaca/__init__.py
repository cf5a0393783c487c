"""Alpaca's Broker API on loopback, as far as it is read: accounts, positions, assets."""

from simulators.alpaca.serving import Running, serve
from simulators.alpaca.state import Config, Simulation

__all__ = ["Config", "Running", "Simulation", "serve"]
