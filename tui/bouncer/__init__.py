"""Holding sockets down: PgBouncer planned, written, checked, and watched through its admin console."""
