"""Text to meaning. `local` needs no key and no network."""
