"""What was seen: samples recorded in a local file, rolled up by minute and hour, and read back."""
