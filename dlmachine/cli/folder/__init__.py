"""What the commands for data folders share."""
