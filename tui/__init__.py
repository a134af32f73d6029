"""pgconns: a terminal admin console for the PostgreSQL Connections that the CARTO platform uses."""

# A constant: importlib.metadata would cost 70 ms at every start.
__version__ = "0.1.0"
