"""Alpaca's Broker API on loopback: accounts, positions, prices, bank relationships, ACH transfers, orders."""

from simulators.alpaca.serving import Running, serve
from simulators.alpaca.state import Config, Simulation

__all__ = ["Config", "Running", "Simulation", "serve"]
