"""`python -m dlmachine` is the command line."""

from dlmachine.cli import main

main()
