"""Files to documents, passages, vectors and ranked hits; imports nothing else of ours."""
