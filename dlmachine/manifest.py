"""Manifests: many downloads in one file.

A text file has one URL per line; `#` begins a comment. A checksum file (SHA256SUMS, a pooch
registry) is a manifest of its files. TOML, YAML and JSON have entries: `[[download]]`, a list (also
under `downloads`), or a mapping of names to entries. An entry is a URL, or a mapping with `url`,
optionally a `name`, a `path` in the folder of the batch and a `base_url`, and any keyword of a
Descriptor or a Policy; `[defaults]` has options for all entries, and `[variables]` has texts that
replace `{name}` in URLs and paths.

A bad entry becomes an item with a fault, and does not affect other entries. Two entries with one
path make the manifest invalid.

A manifest may come from another person. Its relative paths are relative to its own folder. Files
that it writes (`dest`) or sends to servers (in `multipart`, `cert`, `key`) must be in that folder,
and a `path` in the folder of the batch, unless the caller allows other folders; files only read
(`checksum_file`, `cainfo`) may be anywhere. In `multipart` `{ file = "path" }` is a file.
"""

import os
from collections.abc import Iterable, Mapping
from itertools import chain
from os import fsdecode
from typing import Any, Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput, UnknownName
from dlmachine.core.faults.printing import printable
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.manifest.clashes import check_clashes
from dlmachine.core.manifest.document import fill_variables, join_base, parse_document
from dlmachine.core.manifest.item import Item
from dlmachine.core.manifest.lists import is_checksum_file, list_entries, numbered_urls
from dlmachine.core.manifest.places import ALLOW, USE_DEST, parse_place
from dlmachine.core.secrets.configuration import redact_value
from dlmachine.core.secrets.redact import redact_url
from dlmachine.core.secrets.secret_names import parse_secret_names
from dlmachine.core.secrets.url_secrets import is_plain_url
from dlmachine.core.spec import descriptor as core
from dlmachine.core.spec.option_table import DESCRIPTOR_NAMES, OPTIONS, SYNONYMS
from dlmachine.core.spec.options import parse_policy, split_options, unknown_name
from dlmachine.core.spec.policy import Policy
from dlmachine.descriptor import Descriptor, settle_files, with_defaults
from dlmachine.documents.reader import is_structured, read_document, read_text_file
from dlmachine.errors import DownloadError
from dlmachine.options.rules import Defaults
from dlmachine.paths import PathInput, absolute, expand, settle_words, with_local_url

#: The keywords of an entry that are not options.
_OWN: Final = ('url', 'name', 'path', 'base_url')
_KNOWN: Final = (*_OWN, *DESCRIPTOR_NAMES, *OPTIONS, *SYNONYMS)


@frozen
class Surroundings:
    """The file of an entry: its path, its folder, which files it may use, and its base URL."""

    path: str
    folder: str
    allow_outside: bool = False
    base_url: object = None


def read_manifest(
    path: PathInput,
    base: Policy | Defaults | None = None,
    *,
    allow_outside: bool = False,
    base_url: str | None = None,
) -> Result[tuple[Item, ...], Fault]:
    """Read a manifest.

    `base` are default options, such as those of a manager (`manager.config.defaults`).
    `allow_outside` allows entries to write to and send files outside the folder of the manifest,
    and outside the folder of a batch. URLs without a scheme are relative to `base_url`, unless the
    manifest has one.

    Faults: `InvalidInput` for a file that cannot be read or has an unknown form, or entries that
    have one path.
    """
    defaults = base if isinstance(base, Defaults) else Defaults(policy=base or Policy())
    name = expand(fsdecode(path))
    around = Surroundings(
        path=name,
        folder=os.path.dirname(absolute(name)),  # noqa: PTH120
        allow_outside=allow_outside,
        base_url=base_url,
    )
    if not is_structured(name):
        return read_text_file(name).bind(lambda text: parse_text(text, defaults, around))
    return read_document(name).bind(lambda found: _read_entries(around, found, defaults))


def parse_text(
    text: str, defaults: Defaults, around: Surroundings
) -> Result[tuple[Item, ...], Fault]:
    """Make the items of a text file: a list of URLs, or a checksum file; faults as above."""
    shown = printable(around.path)
    if not is_checksum_file(text, around.path):
        return Success(parse_lines(text.split('\n'), defaults, shown))
    items = (
        _listed(entry, defaults, f'{shown}, {label}', around)
        for label, entry in list_entries(text, around.path)
    )
    return check_clashes(tuple(items), shown)


def _listed(
    entry: Mapping[str, object] | None,
    defaults: Defaults,
    source: str,
    around: Surroundings,
) -> Item:
    if entry is None:
        problem = 'is not a checksum and a name'
        return Item(name=source, url='', fault=InvalidInput(where=source, problem=problem))
    if around.base_url is None and '://' not in str(entry['url']):
        problem, advice = 'has no URL', 'Pass the URL that its name is relative to: base_url='
        fault = InvalidInput(where=source, problem=problem, advice=advice)
        return Item(name=str(redact_value(str(entry['name']))), url='', fault=fault)
    return make_item(entry, defaults, source, around)


def parse_lines(lines: Iterable[str], defaults: Defaults, source: str = '') -> tuple[Item, ...]:
    """Make one item for each line that is neither empty nor a comment; faults name `source`.

    >>> [item.name for item in parse_lines(['# two', 'http://h/a  # one', ''], Defaults())]
    ['http://h/a']
    """
    return tuple(
        make_item({'url': url}, defaults, f'{source}, line {line}' if source else '')
        for line, url in numbered_urls(lines)
    )


def make_item(
    given: Mapping[str, object],
    defaults: Defaults,
    source: str = '',
    around: Surroundings | None = None,
) -> Item:
    """Make an item from the keywords of an entry, which override the defaults.

    >>> make_item({'url': 'http://h/a', 'retires': 1}, Defaults()).fault.nearest
    'retries'
    """
    base = given.get('base_url', around and around.base_url)
    joined = None if base is None else join_base(base, given)
    entry = with_local_url(given, around) if joined is None else joined.value_or(given)
    url = str(entry.get('url', ''))
    if not is_plain_url(url):
        url = redact_url(url, _declared(entry, defaults.described))
    name = str(redact_value(str(entry.get('name') or '')) or url or source)
    parsed = _parse_words(entry, defaults, around) if type(joined) is not Failure else joined
    if type(parsed) is Failure:
        return Item(name=name, url=url, fault=_in(parsed.failure(), source))
    descriptor, policy, path = parsed.unwrap()
    outside = around is not None and around.allow_outside
    return Item(
        name=name, url=url, descriptor=descriptor, policy=policy, path=path, allow_outside=outside
    )


def _declared(*all_words: Mapping[str, object]) -> tuple[str, ...]:
    lists = (words['secret_names'] for words in all_words if words.get('secret_names'))
    return tuple(chain.from_iterable(parse_secret_names(one).value_or(()) for one in lists))


def _parse_words(
    entry: Mapping[str, object],
    defaults: Defaults,
    around: Surroundings | None,
) -> Result[tuple[core.Descriptor, Policy, str | None], Fault]:
    words = {name: value for name, value in entry.items() if name not in _OWN}
    if entry.get('path') is not None and not words.keys().isdisjoint({'dest', 'destination'}):
        problem = 'cannot be combined with dest'
        return Failure(InvalidInput(where='path', problem=problem, advice='Pass one of them'))
    path = _parse_path(entry.get('path'), around)
    if not (words or defaults.rules or defaults.described):
        # Most entries have a URL and a path, and there may be many.
        if type(path) is Failure:
            return path
        made = core.Descriptor.parse(entry.get('url'))
        return made.map(lambda found: (found, defaults.policy, path.unwrap()))
    split: Result[Any, Fault] = Success(({}, {}))
    here = defaults.at(entry.get('url')) if defaults.rules else Success(defaults)
    policy = here.map(lambda found: found.policy)
    if words:
        split = _settled(words, around).bind(split_options)
        policy = policy.bind(lambda base: split.bind(lambda found: parse_policy(found[1], base)))
    for result in (path, split, policy):
        if not is_successful(result):
            return Failure(result.failure())
    try:
        descriptor = _describe(entry.get('url'), split.unwrap()[0], here.unwrap().described)
        return Success((descriptor, policy.unwrap(), path.unwrap()))
    except DownloadError as error:
        return Failure(error.fault)


def _parse_path(path: object, around: Surroundings | None) -> Result[Any, Fault]:
    if path is None:
        return Success(None)
    is_allowed, advice = (False, USE_DEST) if around is None else (around.allow_outside, ALLOW)
    return parse_place(path, allow_outside=is_allowed, advice=advice)


def _describe(url: Any, words: Mapping[str, Any], described: Mapping[str, Any]) -> core.Descriptor:
    if not words and not described:
        return Descriptor(url)
    own, defaults = {'url': url, **words}, dict(described)
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
    around: Surroundings, value: object, defaults: Defaults
) -> Result[tuple[Item, ...], Fault]:
    path = printable(around.path)
    parsed = parse_document(value, path)
    if not is_successful(parsed):
        return Failure(parsed.failure())
    document = parsed.unwrap()
    top = fill_variables({'base_url': document.base_url}, document.variables)
    split = top.bind(lambda _: _settled(dict(document.defaults), around)).bind(split_options)
    own = split.bind(lambda found: defaults.over(found[1], found[0]))
    if not is_successful(own):
        return Failure(_in(own.failure(), f'{path}, defaults'))
    if document.base_url is not None:
        around = replace(around, base_url=top.unwrap()['base_url'])
    items = (
        _read_entry(entry, own.unwrap(), f'{path}, {label}', around, document.variables)
        for label, entry in document.entries
    )
    return check_clashes(tuple(items), path)


def _read_entry(
    entry: object,
    defaults: Defaults,
    source: str,
    around: Surroundings,
    variables: Mapping[str, str] | None = None,
) -> Item:
    if isinstance(entry, (dict, Mapping)) and set(map(type, entry)) <= {str}:
        if 'url' in entry:
            filled = Success(entry) if variables is None else fill_variables(entry, variables)
            if is_successful(filled):
                return make_item(filled.unwrap(), defaults, source, around)
            fault = _in(filled.failure(), source)
        else:
            fault = InvalidInput(where=source, problem='has no url')
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
    if source and isinstance(fault, UnknownName):
        return replace(fault, source=source)
    if source and isinstance(fault, InvalidInput):
        return replace(fault, where=f'{fault.where} ({source})')
    return fault
