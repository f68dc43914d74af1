"""The Model Context Protocol: Pincite as tools for programs that reason with language models."""
