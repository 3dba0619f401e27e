"""The command line: screen in, screen out."""
