"""Model folders as they come: configurations, tokenizers, weights."""
