"""`python -m dlmachine`."""

from dlmachine.cli import main

if __name__ == '__main__':
    main()
