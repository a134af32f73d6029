"""What Connect verifies: a report of findings, and one small module per check."""
