"""The downloads that a command reads from a file or from stdin: a list of URLs, or a manifest."""

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from dlmachine.core.faults.printing import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dlmachine.core.manifest.item import Item
    from dlmachine.manager import DownloadManager


def read_targets(
    path: str, manager: 'DownloadManager', given: 'Mapping[str, Any]'
) -> 'list[tuple[str | Item, str]]':
    """The entries of a manifest, or the URLs of a list, each URL with the line that names it.

    Raises: RequestError for a file that cannot be read.
    """
    from dlmachine.core.manifest.lists import is_checksum_file, numbered_urls
    from dlmachine.documents.reader import is_structured
    from dlmachine.errors import unwrap

    if path == '-' or not is_structured(path):
        text = unwrap(_read_text(path))
        if not is_checksum_file(text, path):
            name = printable('stdin' if path == '-' else path)
            urls = numbered_urls(text.split('\n'))
            return [(url, f'{name}, line {number}') for number, url in urls]
        if path == '-':
            return [(item, '') for item in _parse(text, manager, given)]
    return [(item, '') for item in read_items(path, manager, given)]


def read_items(
    path: str, manager: 'DownloadManager', given: 'Mapping[str, Any]'
) -> 'tuple[Item, ...]':
    """The entries of a manifest, a list or a checksum file; faults name their lines.

    Raises: RequestError for a file that cannot be read.
    """
    from dlmachine.errors import unwrap
    from dlmachine.manifest import read_manifest

    if path == '-':
        return _parse(unwrap(_read_text(path)), manager, given)
    return unwrap(
        read_manifest(
            path,
            manager.config.defaults,
            allow_outside=given['allow_outside'],
            base_url=given['base_url'],
        )
    )


def _read_text(path: str) -> Any:
    from dlmachine.documents.reader import read_text, read_text_file

    return read_text(sys.stdin.buffer.read(), 'stdin') if path == '-' else read_text_file(path)


def _parse(text: str, manager: 'DownloadManager', given: 'Mapping[str, Any]') -> 'tuple[Item, ...]':
    from dlmachine.errors import unwrap
    from dlmachine.manifest import Surroundings, parse_text

    around = Surroundings(
        path='stdin',
        folder=os.curdir,
        allow_outside=given['allow_outside'],
        base_url=given['base_url'],
    )
    return unwrap(parse_text(text, manager.config.defaults, around))


def check_input(path: str | None, urls: tuple[str, ...]) -> None:
    """Raises: UsageError if there is neither a URL nor a file."""
    if not urls and path is None:
        raise click.UsageError('Pass a URL, or a file of URLs with --input-file')
