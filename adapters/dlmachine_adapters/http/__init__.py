"""What both backends share about messages of HTTP."""
