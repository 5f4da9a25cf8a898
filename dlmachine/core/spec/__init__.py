"""What the user asks for, and how arguments are parsed into values.  Pure."""
