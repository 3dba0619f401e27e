"""One resident process that answers for several folders: the page, the HTTP API, MCP, and the command line."""
