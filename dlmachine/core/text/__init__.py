"""Text from outside: encodings, control characters, members of JSON."""
