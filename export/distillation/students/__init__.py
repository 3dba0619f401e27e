"""The networks that learn: static, fewer layers, characters."""
