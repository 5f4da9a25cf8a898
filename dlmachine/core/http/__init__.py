"""URLs and messages by RFC 9110 and 3986; knows no cache and no download."""
