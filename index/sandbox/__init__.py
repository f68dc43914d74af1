"""Files read apart from the program: worker processes, what they may not do, what they say."""
