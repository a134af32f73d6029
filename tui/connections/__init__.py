"""What is registered: Connections, their parameters, the file that holds them and where their passwords live."""
