"""What the machine and the executor say to each other.  Pure."""
