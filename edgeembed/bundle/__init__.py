"""A model's folder and its manifest; the format is specified in ``models/README.md``."""
