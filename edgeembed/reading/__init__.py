"""Files to documents: what a file is, its encoding, its text, its image."""
