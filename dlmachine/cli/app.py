"""The group of all commands, and what happens to errors, Ctrl-C and closed pipes.

Only click is loaded to show the help: what a command needs is imported when it runs.
"""

import logging
import os
import sys
from typing import Any

import click

from dlmachine.cli.audit import audit
from dlmachine.cli.cache import cache
from dlmachine.cli.config import config
from dlmachine.cli.demo import demo
from dlmachine.cli.exit_codes import ExitCode, exit_code
from dlmachine.cli.get import get
from dlmachine.cli.plan import plan
from dlmachine.cli.report import say
from dlmachine.core.version import VERSION
from dlmachine.errors import DownloadError


class Commands(click.Group):
    """A group that turns what may be expected to go wrong into messages and exit codes."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; no traceback for an expected failure."""
        logging.getLogger('dlmachine').addHandler(logging.NullHandler())
        try:
            return super().invoke(ctx)
        except DownloadError as error:
            say(str(error))
            ctx.exit(exit_code(error.fault))
        except BrokenPipeError:
            # Python would write to the closed pipe once more at its end, and complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(ExitCode.BROKEN_PIPE)
        except (KeyboardInterrupt, click.Abort):
            say('interrupted')
            ctx.exit(ExitCode.INTERRUPTED)


@click.group(
    cls=Commands,
    context_settings={'help_option_names': ['-h', '--help'], 'max_content_width': 100},
    epilog='Exit codes: 0 ok, 1 generic, 2 usage, 3 file I/O, 4 network, 5 TLS, 6 authentication, '
    '7 protocol, 8 server error, 9 integrity, 10 would download, 11 offline miss, 12 some of '
    'many failed, 13 busy, 130 interrupted, 141 closed pipe.',
)
@click.version_option(VERSION, prog_name='dlmachine')
def commands() -> None:
    """Download files and API answers, through a cache if there is one.

    Results are written to stdout, everything else to stderr.
    """


for command in (get, plan, audit, cache, config, demo):
    commands.add_command(command)


def main() -> None:
    """Run the command line; ends the process."""
    commands(prog_name='dlmachine')
