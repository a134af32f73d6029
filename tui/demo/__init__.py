"""An embedded server with traffic, for a first look."""
