"""The admin API: what a business's own programs and its console may do, over HTTP, under /api/v1."""
