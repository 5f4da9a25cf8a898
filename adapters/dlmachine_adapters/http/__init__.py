"""What both HTTP backends share."""
