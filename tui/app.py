"""The console: themes, keys, screens, and what happens on a crash."""
