"""Add to usage errors what a flag of curl, wget or aria2 is called here."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from dlmachine.cli.parameters.command import WORDS
from dlmachine.cli.parameters.other_tools import foreign_hints, hints
from dlmachine.core.http.url import is_url

#: Flags of wget that would be taken for several short ones.
_JOINED: Final = ('-nc', '-nv', '-nd', '-nH', '-np')
#: wget's flag for stdout, perhaps after others: `-qO-`.
_TO_STDOUT: Final = re.compile(r'-[A-Za-z]*O-')
#: What the value of curl's `-d` looks like, and a folder does not.
_BODY: Final = re.compile(r'[@{\[]|[\w.%-]+=')


def refuse_joined(words: Iterable[str]) -> None:
    """Raises: UsageError for a flag that would be taken for several others."""
    for word in words:
        if word == '--':
            return
        if word in _JOINED:
            msg = f"No such option '{word}'. {hints()[word]}"
            raise click.UsageError(msg)


def advised(error: click.UsageError, words: Iterable[str] = ()) -> click.UsageError:
    """The error with a hint about its flag, if another program has it, or gives it a value."""
    hint = ''
    flag = getattr(error, 'option_name', None)
    has_value = any(word.startswith(f'{flag}=') for word in words)
    if isinstance(error, click.NoSuchOption) or (flag is not None and has_value):
        is_stdout = any(_TO_STDOUT.fullmatch(word) for word in words)
        hint = hints().get('-O' if is_stdout else str(flag), '')
    return click.UsageError(f'{error.message.rstrip(".")}. {hint}', error.ctx) if hint else error


def check_urls(urls: Iterable[str], given: Mapping[str, Any]) -> None:
    """Raises: UsageError for a value that a flag would have had elsewhere, and has not here."""
    context = click.get_current_context()
    words: list[str] = context.meta.get(WORDS, [])
    for url in urls:
        hint = '' if is_url(url) or given.get('allow_file') else _hint_before(words, url)
        if hint:
            msg = f"'{url}' is not a URL. {hint}"
            raise click.UsageError(msg)
    if not urls and given.get('input_file') is None:
        for word in words:
            hint = _hint_before(words, word) if '://' in word else ''
            if hint:
                msg = f'Pass a URL: {word} is the value of a flag. {hint}'
                raise click.UsageError(msg)
    proxy, file, folder = (given.get(name) for name in ('proxy', 'input_file', 'folder'))
    if proxy and proxy.isdigit():
        msg = f"--proxy must be a URL, not '{proxy}'. {hints()['-x']}"
        raise click.UsageError(msg)
    if file and '://' in file and '-i' in words:
        hint = foreign_hints('-i', ('--input-file',))
        msg = f'-i is a file of URLs here, and {file} is a URL. {hint}'
        raise click.UsageError(msg)
    if folder and '-d' in words and _BODY.match(folder) and not Path(folder).is_dir():
        msg = f"-d is a folder here, and '{folder}' looks like a body. curl's -d is --data here"
        raise click.UsageError(msg)


def _hint_before(words: list[str], value: str) -> str:
    """The hint about the flag that stands before a value."""
    at = words.index(value) if value in words else 0
    before = words[at - 1] if at else ''
    if not before.startswith('-'):
        return ''
    flag = before if before.startswith('--') else f'-{before[-1]}'
    return hints().get(flag, '')
