"""How a client identifies itself to a server: credentials, logins by forms, and cookies."""
