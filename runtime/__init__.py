"""Wiring: settings, opened connections, every choice of provider."""
