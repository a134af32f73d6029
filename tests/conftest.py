"""What all tests share: an empty home, and real servers where they ask for them."""

from hypothesis import settings

pytest_plugins = ["tests.servers.fixtures"]

# A busy machine is no failure: nothing in the tests is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
