"""Below everything: cores and memory, flushing to disk, the order in which native libraries load."""
