"""The command line: `dlmachine`, `dlm` and `python -m dlmachine`.

Results go to stdout, everything else to stderr; the exit codes stand in `exit_codes`.
"""

from dlmachine.cli.app import main

__all__ = ['main']
