"""Flags of curl and wget for what dlmachine does by itself, or has another option for."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from dlmachine.cli.parameters.flags import ABBREVIATIONS
from dlmachine.cli.parameters.values import FILE

Decorated = TypeVar('Decorated', bound=Callable[..., Any])
#: Flags that change nothing: dlmachine always works like that.
IMPLIED: Final = (
    '-f', '--fail', '--fail-with-body', '-S', '--show-error', '-Z', '--parallel', '--compressed',
    '-#', '--progress-bar', '--retry-connrefused', '--continue',
)  # fmt: skip


def naming_options(own_option: Callable[..., Callable[[Decorated], Decorated]]) -> list[Any]:
    """The options for the name of a file in a folder."""
    return [
        own_option(
            '-O',
            '--remote-name',
            is_flag=True,
            help='Name the file by the URL, whatever the response says.',
        ),
        own_option(
            '-J',
            '--remote-header-name',
            '--content-disposition',
            is_flag=True,
            help='Name the file by the response, which is the default for one URL; also with -O.',
        ),
    ]


def reuse_options(
    own_option: Callable[..., Callable[[Decorated], Decorated]],
    section: str,
    *targets: str,
) -> list[Any]:
    """The flags of a section that stand for another one with a value."""
    meanings = dict.fromkeys(
        meant
        for meant in ABBREVIATIONS.values()
        if meant[0] in (targets or ('--if-exists', '--mtime'))
    )
    return [
        own_option(
            *(flag for flag, stands in ABBREVIATIONS.items() if stands == meant),
            section=section,
            is_flag=True,
            expose_value=False,
            callback=_refuse_joined,
            help=f'The same as {" ".join(meant)}.',
        )
        for meant in meanings
    ]


def implied_options(own_option: Callable[..., Callable[[Decorated], Decorated]]) -> list[Any]:
    """The flags of curl and wget that are accepted without an effect."""
    return [
        own_option(
            *IMPLIED,
            section='Compatibility',
            is_flag=True,
            expose_value=False,
            help='Accepted: dlmachine always does this.',
        ),
        own_option(
            '-C',
            '--continue-at',
            section='Compatibility',
            metavar='-',
            expose_value=False,
            callback=_check_offset,
            help='Accepted: a download is always resumed where it broke off.',
        ),
    ]


def output_options(own_option: Callable[..., Callable[[Decorated], Decorated]]) -> list[Any]:
    """The options for what a command prints and logs."""
    return [
        own_option(
            '-s',
            '--silent',
            is_flag=True,
            help='Print paths and errors only: no progress, no summary.',
        ),
        own_option(
            '-w',
            '--write-out',
            metavar='FORMAT',
            help='Print this for each download instead of its path: text with %{http_code}, '
            '%{path} and the like; @FILE reads it.',
        ),
        own_option(
            '--log-file',
            type=FILE,
            metavar='FILE',
            help='Append a log to FILE; -vv logs more. A FILE that ends in .jsonl gets each event '
            'as a line of JSON.',
        ),
    ]


def _refuse_joined(ctx: click.Context, param: click.Parameter, value: object) -> None:
    # By itself, the flag is replaced before it is parsed.
    if value:
        msg = 'must be written by itself, not together with other flags'
        raise click.BadParameter(msg, ctx, param)


def _check_offset(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value not in {None, '-'}:
        msg = 'dlmachine finds the offset itself, and checks it; pass -C - or leave it out'
        raise click.BadParameter(msg, ctx, param)
