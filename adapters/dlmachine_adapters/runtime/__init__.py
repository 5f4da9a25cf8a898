"""Time, threads and cancellation."""
