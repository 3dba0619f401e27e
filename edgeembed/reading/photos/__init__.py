"""Photos: what they say about themselves, what lies beside them, files that are cut, and the images in raw files."""
