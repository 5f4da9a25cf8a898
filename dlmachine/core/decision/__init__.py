"""From what was seen to the verdict, and what a refusal is about.  Pure."""
