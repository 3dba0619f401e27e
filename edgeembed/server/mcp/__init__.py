"""The Model Context Protocol: an agent or an editor searches, over stdio or through a server."""
