"""What is secret in URLs, header fields and texts, and how it is masked."""
