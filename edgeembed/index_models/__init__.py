"""Which model embeds what in an index, and how its similarities are calibrated."""
