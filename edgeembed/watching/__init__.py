"""Watching folders: what the system says of changes marks what to look at, and the ordinary sync decides."""
