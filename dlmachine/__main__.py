"""`python -m dlmachine` is the command line."""

from dlmachine.cli import main

if __name__ == '__main__':
    main()
