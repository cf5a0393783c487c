"""Types and pure rules. No I/O, no clock, no randomness: `now` is always handed in."""
