"""Where CARTO comes from: its static addresses per region."""
