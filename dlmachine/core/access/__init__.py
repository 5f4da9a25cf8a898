"""What proves to a server who asks: cookies.  Pure."""
