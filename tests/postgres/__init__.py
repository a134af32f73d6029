"""Tests of the one door to a server."""
