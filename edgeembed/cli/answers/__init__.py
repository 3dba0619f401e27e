"""What a search on the command line does with folders and hits: asked one by one, put together, shown, opened."""
