"""Who holds sockets: what is counted, by whom it is held, and how near the limit it is."""
