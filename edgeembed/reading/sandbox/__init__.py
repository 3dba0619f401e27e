"""The separate process that parses what may be hostile: both sides and their protocol."""
