"""Photo towers in the space of a text model: training and sealing."""
