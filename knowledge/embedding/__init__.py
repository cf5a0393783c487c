"""Texts to vectors, three ways behind one port: on this machine, at a provider, and for tests."""
