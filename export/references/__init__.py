"""Vectors of the float model in torch, which a bundle is compared with."""
