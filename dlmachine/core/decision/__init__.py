"""From a snapshot to a verdict: use the stored copy, revalidate it, fetch, resume, or refuse."""
