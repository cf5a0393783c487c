"""Skills: deterministic code over slots. They are handed data and return effects."""
