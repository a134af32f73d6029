"""Tests of regions: where CARTO comes from, and what lets it in."""
