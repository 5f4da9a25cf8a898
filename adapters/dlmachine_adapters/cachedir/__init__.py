"""The registry of a cache folder, which is shared with the cachedir library."""
