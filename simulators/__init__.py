"""Providers on loopback: each speaks one provider's wire, with state and chaos, and knows nothing of us."""
