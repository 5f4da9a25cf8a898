"""Manifests: many downloads in one file.

A text file has one URL per line; `#` begins a comment. TOML, YAML and JSON have entries:
`[[download]]`, a list (also under `downloads`), or a mapping of names to entries. An entry
is a URL, or a mapping with `url`, optionally a `name`, and any keyword of a Descriptor or a
Policy; `[defaults]` has options for all entries.

A bad entry becomes an item with a fault, and does not affect other entries.

A manifest may come from another person. Its relative paths are relative to its own folder. Files
that it writes (`dest`) or sends to servers (in `multipart`, `cert`, `key`) must be in that folder,
unless the caller allows other folders; files that are only read (`checksum_file`, `cainfo`) may be
anywhere. In `multipart` a string is text, and `{ file = "path" }` is a file.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from os import fsdecode
from typing import Any, Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput, UnknownName
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import frozen
from dlmachine.core.secrets.redact import redact_url, redact_value
from dlmachine.core.secrets.secret_names import parse_secret_names
from dlmachine.core.spec import descriptor as core
from dlmachine.core.spec.option_table import DESCRIPTOR_NAMES, OPTIONS, SYNONYMS
from dlmachine.core.spec.options import parse_policy, split_options, unknown_name
from dlmachine.core.spec.policy import Policy
from dlmachine.descriptor import Descriptor, settle_files, with_defaults
from dlmachine.documents import is_structured, read_document, read_text_file
from dlmachine.errors import DownloadError
from dlmachine.paths import PathInput, absolute, expand, settle_words

#: The names of a list of entries in a file that may have other tables.
_LISTS: Final = ('download', 'downloads')
_KNOWN: Final = ('url', 'name', *DESCRIPTOR_NAMES, *OPTIONS, *SYNONYMS)


@frozen
class Item:
    """One entry: what to download and how, or why the entry is invalid.

    `url` is for messages: masked, and unchanged if it is not a URL.
    """

    name: str
    url: str
    descriptor: core.Descriptor | None = None
    policy: Policy = Policy()
    fault: Fault | None = None


@frozen
class Surroundings:
    """The file of an entry: its path, its folder, and which files it may use."""

    path: str
    folder: str
    allow_outside: bool = False


def read_manifest(
    path: PathInput,
    base: Policy | None = None,
    described: Mapping[str, object] | None = None,
    *,
    allow_outside: bool = False,
) -> Result[tuple[Item, ...], Fault]:
    """Read a manifest.

    `base` and `described` are default options and default keywords of descriptors.
    `allow_outside` allows entries to write to and send files outside the folder of the manifest.

    Faults: `InvalidInput` for a file that cannot be read or has an unknown form.
    """
    policy = Policy() if base is None else base
    words = {} if described is None else described
    name = expand(fsdecode(path))
    if not is_structured(name):
        shown = printable(name)
        return read_text_file(name).map(
            lambda text: parse_lines(text.split('\n'), policy, words, shown)
        )
    around = Surroundings(
        path=name,
        folder=os.path.dirname(absolute(name)),  # noqa: PTH120
        allow_outside=allow_outside,
    )
    return read_document(name).bind(lambda found: _read_entries(around, found, policy, words))


def parse_lines(
    lines: Iterable[str], base: Policy, described: Mapping[str, object], source: str = ''
) -> tuple[Item, ...]:
    """Make one item for each line that is neither empty nor a comment; faults name `source`.

    >>> [item.name for item in parse_lines(['# two', 'http://h/a  # one', ''], Policy(), {})]
    ['http://h/a']
    """
    return tuple(
        make_item({'url': url}, base, described, f'{source}, line {line}' if source else '')
        for line, url in _numbered_urls(lines)
    )


def read_urls(lines: Iterable[str]) -> Iterator[str]:
    """The URLs of a list, without its comments and empty lines.

    >>> list(read_urls(['# two', 'http://h/a  # one', '', 'http://h/b#part']))
    ['http://h/a', 'http://h/b#part']
    """
    return (url for _, url in _numbered_urls(lines))


def _numbered_urls(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, start=1):
        url = _strip_comment(line)
        if url:
            yield number, url


def make_item(
    entry: Mapping[str, object],
    base: Policy,
    described: Mapping[str, object],
    source: str = '',
    around: Surroundings | None = None,
) -> Item:
    """Make an item from the keywords of an entry, which override the defaults.

    >>> make_item({'url': 'http://h/a', 'retires': 1}, Policy(), {}).fault.nearest
    'retries'
    """
    names = (entry.get('secret_names'), described.get('secret_names'))
    declared = (parse_secret_names(given).value_or(()) for given in names)
    url = redact_url(str(entry.get('url', '')), tuple(chain.from_iterable(declared)))
    name = str(redact_value(str(entry.get('name') or '')) or url or source)
    words = {key: value for key, value in entry.items() if key not in {'name', 'url'}}
    split = _settled(words, around).bind(split_options)
    if not is_successful(split):
        return Item(name=name, url=url, fault=_in(split.failure(), source))
    own, handled = split.unwrap()
    policy = parse_policy(handled, base)
    if not is_successful(policy):
        return Item(name=name, url=url, fault=_in(policy.failure(), source))
    try:
        descriptor = _describe({'url': entry.get('url'), **own}, described)
    except DownloadError as error:
        return Item(name=name, url=url, fault=_in(error.fault, source))
    return Item(name=name, url=url, descriptor=descriptor, policy=policy.unwrap())


def _describe(own: Mapping[str, Any], described: Mapping[str, Any]) -> core.Descriptor:
    defaults = dict(described)
    headers, names = defaults.pop('headers', None), defaults.pop('secret_names', None)
    return with_defaults(Descriptor.from_mapping({**defaults, **own}), headers, names)


def _settled(
    words: dict[str, object], around: Surroundings | None
) -> Result[dict[str, object], Fault]:
    if around is None:
        return Success(words)
    settled = settle_words(words, around.folder, allow_outside=around.allow_outside)
    return settled.bind(
        lambda found: settle_files(found, around.folder, allow_outside=around.allow_outside)
    )


def _read_entries(
    around: Surroundings, document: object, base: Policy, described: Mapping[str, object]
) -> Result[tuple[Item, ...], Fault]:
    path = printable(around.path)
    found = _find_entries(document)
    if found is None:
        problem = 'has no downloads'
        advice = 'Use [[download]] entries, a list of URLs, or a mapping of names to entries'
        return Failure(InvalidInput(where=path, problem=problem, advice=advice))
    defaults, entries = found
    split = _settled(dict(defaults), around).bind(split_options)
    if not is_successful(split):
        return Failure(_in(split.failure(), f'{path}, defaults'))
    own, handled = split.unwrap()
    policy = parse_policy(handled, base)
    if not is_successful(policy):
        return Failure(_in(policy.failure(), f'{path}, defaults'))
    words = {**described, **own}
    return Success(
        tuple(
            _read_entry(entry, policy.unwrap(), words, f'{path}, {label}', around)
            for label, entry in entries
        )
    )


def _find_entries(
    document: object,
) -> tuple[Mapping[str, object], tuple[tuple[str, object], ...]] | None:
    if isinstance(document, list):
        return {}, tuple(_number(document))
    if not isinstance(document, Mapping):
        return None
    rest = {str(name): value for name, value in document.items() if name != 'defaults'}
    defaults = document.get('defaults', {})
    if not isinstance(defaults, Mapping):
        return None
    if 'url' in rest:
        return defaults, (('entry', rest),)
    if len(rest) == 1 and (name := next(iter(rest))) in _LISTS and not isinstance(rest[name], str):
        held = rest[name]
        entries = _number(held) if isinstance(held, list) else _named(held)
    else:
        entries = _named(rest)
    return defaults, tuple(entries)


def _number(entries: Iterable[object]) -> Iterator[tuple[str, object]]:
    for number, entry in enumerate(entries, start=1):
        yield f'entry {number}', {'url': entry} if isinstance(entry, str) else entry


def _named(entries: object) -> Iterator[tuple[str, object]]:
    for name, entry in entries.items() if isinstance(entries, Mapping) else ():
        whole = {'url': entry} if isinstance(entry, str) else entry
        shown = str(redact_value(name))
        yield f'entry {shown!r}', {'name': shown, **whole} if isinstance(whole, Mapping) else whole


def _read_entry(
    entry: object,
    base: Policy,
    described: Mapping[str, object],
    source: str,
    around: Surroundings,
) -> Item:
    if isinstance(entry, Mapping) and all(isinstance(name, str) for name in entry):
        if 'url' in entry:
            return make_item(entry, base, described, source, around)
        fault: Fault = InvalidInput(where=source, problem='has no url')
        near = next((name for name in entry if name not in _KNOWN), None)
        if near is not None:
            fault = unknown_name(near, _KNOWN, source)
    else:
        problem = f'must be a URL or a mapping with a url, not {type(entry).__name__}'
        advice = "Several entries stand in a list named 'download', in TOML below [[download]]"
        fault = InvalidInput(where=source, problem=problem, advice=advice)
    name = entry.get('name') if isinstance(entry, Mapping) else None
    return Item(name=str(redact_value(str(name or source))), url='', fault=fault)


def _in(fault: Fault, source: str) -> Fault:
    if not source:
        return fault
    if isinstance(fault, UnknownName):
        return replace(fault, source=source)
    if isinstance(fault, InvalidInput):
        return replace(fault, where=f'{fault.where} ({source})')
    return fault


def _strip_comment(line: str) -> str:
    # A comment needs a space before it, because `#` inside a URL begins its fragment.
    url, *_ = f' {line}'.split(' #', 1)
    return url.strip()
