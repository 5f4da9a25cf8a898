"""Reports as pages: HTML that needs no network, with plots if matplotlib is installed."""
