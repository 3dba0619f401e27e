"""Convolutional backbones: loading and rounding."""
