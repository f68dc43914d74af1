"""The ruler: labelled sets in, figures and a report out, over the code that answers users."""
