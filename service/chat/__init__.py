"""The prompt of `pincite chat`: what a line means, what it does, and where citations open."""
