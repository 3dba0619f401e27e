"""Measurements: run by hand, one module each, `python -m tests.benchmarks.<name>`."""
