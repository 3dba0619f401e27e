"""Stored vectors: int8 rows and memory-mapped USearch files."""
