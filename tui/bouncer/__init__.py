"""Holding sockets down: when a PgBouncer is worth it, how large its pools must be, and what it would do. No Textual."""
