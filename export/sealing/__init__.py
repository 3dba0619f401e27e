"""A model in parts to a sealed bundle."""
