"""Fewer bits for weights, and which schemes keep a model as it is."""
