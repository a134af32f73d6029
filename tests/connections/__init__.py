"""The room of what is registered."""
