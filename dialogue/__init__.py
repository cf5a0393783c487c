"""One turn: what was meant, what is known, what to say, whether to say it. Returns effects; does nothing."""
