"""Conversations as tests: YAML in, pass or fail out (contract, section 5)."""
