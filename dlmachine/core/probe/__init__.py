"""What a server says about a file without its body: requests, verdict and result; pure."""
