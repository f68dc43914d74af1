"""What `pincite eval` does; imported only when it is run."""
