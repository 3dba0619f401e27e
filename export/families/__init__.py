"""Families of models that are exported: what each needs before it is sealed."""
