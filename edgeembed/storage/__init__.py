"""An open index: opened, locked, written to, merged and swapped."""
