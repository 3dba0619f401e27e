"""A query to hits: syntax, vectors, words, fusion and snippets."""
