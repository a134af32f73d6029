"""Tests of what Workflows leave behind."""
