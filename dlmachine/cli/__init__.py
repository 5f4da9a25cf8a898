"""The command line: results on stdout, everything else on stderr, no tracebacks.

Only click is loaded here; each command loads what it needs when it runs.
"""

import atexit
import gc
import os
import sys
from importlib import import_module

import click

from dlmachine.cli.signals import (
    INTERRUPT_MESSAGE,
    INTERRUPTED,
    TERMINATED,
    Terminated,
    interruptible,
)
from dlmachine.cli.streams import OutputFailed, prepare_streams
from dlmachine.core.version import VERSION

#: The exit codes after SIGPIPE, and of `exit_codes.FILES`, which is too slow to import here.
_OUTPUT_CLOSED, _FILES = 141, 3

#: New objects between two garbage collections; Python's default is 700.
_OBJECTS = 100_000

_COMMANDS = {
    'adopt': 'Record files that came another way, without downloading them.',
    'audit': 'Show what a list of downloads would do, without doing it.',
    'cache': 'List, show, verify, repair, prune and remove cached files.',
    'config': 'Show each setting and where it comes from.',
    'demo': 'Show a download from plan to audit, with a local server.',
    'extract': 'Extract an archive into a folder, once.',
    'get': 'Download URLs, to files or into the cache.',
    'ls': 'List the recorded files of a folder.',
    'info': 'Show what is recorded about a file or a URL.',
    'lock': 'Write the lockfile of a manifest: which bytes its files have.',
    'plan': 'Show what a download would do, without doing it.',
    'provenance': 'Print where the files of a folder come from, as JSON or CSV.',
    'report': 'Write a page about stored files and their problems.',
    'resolve': 'Print the files of DOIs as a manifest.',
    'rm': 'Remove recorded files with their records.',
    'sync': 'Download a manifest with the bytes of its lockfile.',
    'verify': 'Compare the files of a folder with their records.',
}
#: The sections of the help.
_SECTIONS = {
    'Downloads': ('get', 'plan'),
    'Lists of downloads': ('audit', 'lock', 'resolve', 'sync'),
    'Files in folders': ('adopt', 'extract', 'info', 'ls', 'provenance', 'rm', 'verify'),
    'Cache and configuration': ('cache', 'config', 'demo', 'report'),
}
#: The rooms of commands; the others stand beside this module.
_ROOMS = {
    **dict.fromkeys(('adopt', 'extract', 'info', 'ls', 'provenance', 'rm', 'verify'), 'folder.'),
    'report': 'folder.',
    'resolve': 'batch.',
}


class _Lazy(click.Group):
    """A group that imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command with this name."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(
            f'dlmachine.cli.{_ROOMS.get(cmd_name, "")}{cmd_name}'
        ).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands from the table, without importing them."""
        width = max(map(len, _COMMANDS))
        for section, names in _SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(width), _COMMANDS[name]) for name in names])


@click.command(cls=_Lazy, context_settings={'help_option_names': ['-h', '--help']})
@click.version_option(VERSION, prog_name='dlmachine')
def group() -> None:
    """Download files into a versioned cache, and see beforehand what a download would do.

    Exit codes: 0 ok, 1 generic, 2 usage, 3 files, 4 network, 5 TLS, 6 credentials,
    7 protocol, 8 server error, 9 integrity, 10 a download is pending, 11 offline miss,
    12 some of many failed, 13 busy, 130 interrupted, 141 output closed,
    143 terminated.
    """


def main() -> None:
    """Run the command line, and end with an exit code for scripts."""
    # Objects from startup stay; looking for garbage among them again and again would take 10 ms,
    # and once more at the end of the process a fifth of its time.
    gc.set_threshold(_OBJECTS)
    atexit.register(gc.freeze)
    prepare_streams()
    try:
        with interruptible():
            group.main(standalone_mode=False)
            sys.stdout.flush()
    except click.ClickException as error:
        from dlmachine.cli.parameters.usage import show_usage_error

        show_usage_error(error)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo(INTERRUPT_MESSAGE, err=True)
        sys.exit(INTERRUPTED)
    except Terminated:
        click.echo(INTERRUPT_MESSAGE, err=True)
        sys.exit(TERMINATED)
    except OutputFailed as failed:
        sys.exit(_say_why(failed.__cause__))
    except OSError as error:
        from dlmachine.cli.parameters.colors import tell

        tell('error', str(error))
        sys.exit(_FILES)


def _say_why(error: BaseException | None) -> int:
    # The rest of the buffer cannot be written at the end of the program, either.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return _OUTPUT_CLOSED  # The reader has closed the pipe.
    from dlmachine.cli.parameters.colors import tell

    tell('error', f'the output cannot be written: {error}')
    return _FILES
