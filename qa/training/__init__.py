"""Fine-tuning a reader on labelled questions (the hub extra)."""
