"""The one door to a server: opens sockets, bounds them, and turns the driver's errors into findings with a fix."""
