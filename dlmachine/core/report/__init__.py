"""A report about stored files: its rows, what needs attention, and totals; pure."""
