"""The ways in: the command line, HTTP, and the web page."""

__version__ = "0.1.0"
