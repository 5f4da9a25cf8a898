"""The registry of a cache folder, in the tables of cachedir: reading rows."""
