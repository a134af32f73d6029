"""Who is told of alerts, and how: a command, a webhook, or one of many services."""
