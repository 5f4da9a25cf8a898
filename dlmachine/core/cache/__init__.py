"""Identity and entries of the cache: keys, records, freshness."""
