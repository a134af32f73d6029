"""What all tests share: an empty home, and real servers where they ask for them."""

pytest_plugins = ["tests.servers.fixtures"]
