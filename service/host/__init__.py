"""What a server holds beside its indexes: keys, collections, jobs, and the bounds of its work."""
