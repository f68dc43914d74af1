"""The web page: asking, reading a quote in its source, documents, and what an admin looks after.

Rendered here, whole without scripts; the scripts in `static/` only make it quicker. Nothing is
fetched from elsewhere.
"""
