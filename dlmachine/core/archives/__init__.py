"""How packed files are recognized, and which members of an archive are meant.

Pure. Files are read, and archives unpacked, by the adapters.
"""
