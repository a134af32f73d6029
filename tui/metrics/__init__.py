"""What monitoring systems are given: metrics and the server that hands them out, alerting rules, a dashboard."""
