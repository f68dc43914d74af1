"""The commands of `pincite`, a module for each kind; what is heavy is imported when one runs."""
