"""The plan as a value, as text and as JSON, and the dry run that makes it."""
