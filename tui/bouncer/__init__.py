"""Holding sockets down: when a PgBouncer is worth it, its sizes and files, and what a running one says. No Textual."""
