"""What a user reads: files, packed or not, and the members of archives."""
