"""Processes that do the work: turns, deliveries, attachments, timers. Each loop claims rows by lease."""
