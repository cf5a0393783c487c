"""Homes that are listed: read from a feed, searched, and compared. No clock, no I/O."""
