"""What programs and people are shown: JSON fields, the same on the command line and from a server."""
