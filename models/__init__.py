"""The model bundles that ship with edgeembed, one folder each; the format is described in README.md."""

DEFAULT = "minilm-l6-int8"
"""Name of the bundle that is used when no other is asked for."""
