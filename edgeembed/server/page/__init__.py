"""The files of the page: HTML, CSS and modules, as they are sent."""
