"""What `pincite train` does, between its options and `qa.training`."""
