"""Strings to chunks and terms: pure functions without I/O."""
