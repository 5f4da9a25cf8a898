"""Who uses which entries of a cache, and when they were last used."""
