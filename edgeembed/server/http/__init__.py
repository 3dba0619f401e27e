"""What a server answers over HTTP, and what it refuses."""
