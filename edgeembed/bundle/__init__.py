"""A model's folder and the facts in it; the format is specified in ``models/README.md``."""
