"""Tests of what Connect verifies."""
