"""Voice: one pipeline, several transports; it calls the same turn as text does."""
