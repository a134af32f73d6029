"""Screens, driven by keys and seen at 80x24 and 120x40."""
