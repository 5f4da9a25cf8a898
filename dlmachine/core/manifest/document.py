"""The parts of a manifest: entries, defaults, variables and the base URL.

Pure. Finds them in the value that a TOML, YAML or JSON file contains.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import urljoin

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.frozen import frozen
from dlmachine.core.http.url import parse_url
from dlmachine.core.regex import regex
from dlmachine.core.secrets.configuration import redact_value

#: The names of a list of entries in a file that may have other tables.
_LISTS: Final = ('download', 'downloads')
#: Names at the top of a file that are not those of entries.
_OTHERS: Final = ('defaults', 'variables', 'base_url')
#: The keywords of an entry in which variables are filled in.
FILLED: Final = ('base_url', 'url', 'path', 'mirrors', 'checksum_file')
#: A variable, or a brace that stands for itself.
_FIELD: Final = regex(r'\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_\-]*)\}')


@frozen
class Document:
    """The parts of a manifest; each entry has a label for messages."""

    entries: tuple[tuple[str, object], ...]
    defaults: Mapping[str, object]
    variables: Mapping[str, str]
    base_url: object = None


def parse_document(value: object, where: str) -> Result[Document, Fault]:
    """Find the parts of a manifest; `where` names the file.

    Faults: `InvalidInput` for a value without entries, and for a variable that is not text.

    >>> found = parse_document({'first': 'http://h/a', 'variables': {'v': 1}}, 'x.json').unwrap()
    >>> found.entries, found.variables
    ((("entry 'first'", {'name': 'first', 'url': 'http://h/a'}),), {'v': '1'})
    """
    if isinstance(value, list):
        return Success(Document(entries=tuple(_numbered(value)), defaults={}, variables={}))
    defaults = value.get('defaults', {}) if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(defaults, Mapping):
        problem = 'has no downloads'
        advice = 'Use [[download]] entries, a list of URLs, or a mapping of names to entries'
        return refuse(where, problem, advice)
    rest = {str(name): one for name, one in value.items() if name not in _OTHERS}
    return _parse_variables(value.get('variables', {}), where).map(
        lambda variables: Document(
            entries=tuple(_find_entries(rest)),
            defaults={str(name): one for name, one in defaults.items() if name != 'base_url'},
            variables=variables,
            base_url=value.get('base_url', defaults.get('base_url')),
        )
    )


def _find_entries(rest: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    if 'url' in rest:
        yield 'entry', rest
    elif (
        len(rest) == 1
        and (name := next(iter(rest))) in _LISTS
        and not isinstance(held := rest[name], str)
    ):
        yield from _numbered(held) if isinstance(held, list) else _named(held)
    else:
        yield from _named(rest)


def _numbered(entries: Iterable[object]) -> Iterator[tuple[str, object]]:
    for number, entry in enumerate(entries, start=1):
        yield f'entry {number}', {'url': entry} if isinstance(entry, str) else entry


def _named(entries: object) -> Iterator[tuple[str, object]]:
    for name, entry in entries.items() if isinstance(entries, Mapping) else ():
        whole = {'url': entry} if isinstance(entry, str) else entry
        shown = str(redact_value(name))
        yield f'entry {shown!r}', {'name': shown, **whole} if isinstance(whole, Mapping) else whole


def _parse_variables(given: object, where: str) -> Result[dict[str, str], Fault]:
    place = f'{where}, variables'
    if not isinstance(given, Mapping):
        return refuse(place, f'must be a mapping of names to texts, not {type(given).__name__}')
    for name, value in given.items():
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            # A number loses its last zeros: version 1.10 would be 1.1.
            problem = f'has {name!r}, which must be text, not {shown_value(redact_value(value))}'
            advice = 'Put it between quotation marks'
            return refuse(place, problem, advice)
    return Success({str(name): str(value) for name, value in given.items()})


def fill_variables(
    words: Mapping[str, object], variables: Mapping[str, str]
) -> Result[dict[str, object], Fault]:
    """Fill variables into the URLs and paths of an entry; `{{` stands for a brace.

    Faults: `InvalidInput` that names an unknown variable.

    >>> fill_variables({'url': '{v}/{{x}}', 'name': '{v}'}, {'v': '1.2'}).unwrap()
    {'url': '1.2/{x}', 'name': '{v}'}
    >>> fill_variables({'url': '{w}'}, {'v': '1.2'}).failure().problem
    "has the variable 'w', which is not defined (defined: v)"
    """
    filled = dict(words)
    for name, value in words.items():
        if name not in FILLED or value is None:
            continue
        if type(value) is str and '{' not in value and '}' not in value:
            continue  # As most are.
        texts = value if isinstance(value, list) else [value]
        unknown = _unknown_variable(texts, variables)
        if unknown is not None:
            known = ', '.join(variables) or 'none'
            problem = f'has the variable {unknown!r}, which is not defined (defined: {known})'
            advice = f'Define it in [variables]: {unknown} = "..."'
            return refuse(name, problem, advice)
        made = [_fill(one, variables) for one in texts]
        filled[name] = made if isinstance(value, list) else made[0]
    return Success(filled)


def _unknown_variable(texts: Iterable[object], variables: Mapping[str, str]) -> str | None:
    used = (field[1] for one in texts if isinstance(one, str) for field in _FIELD.finditer(one))
    return next((name for name in used if name is not None and name not in variables), None)


def _fill(text: object, variables: Mapping[str, str]) -> object:
    if not isinstance(text, str):
        return text
    return _FIELD.sub(lambda found: found[0][0] if found[1] is None else variables[found[1]], text)


def join_base(base: object, words: Mapping[str, object]) -> Result[dict[str, object], Fault]:
    """Resolve the URL of an entry against a base URL (RFC 3986 section 5.2).

    Faults: `InvalidInput` for a base that is not a URL.

    >>> join_base('https://h/v1/', {'url': 'data/t.csv'}).unwrap()
    {'url': 'https://h/v1/data/t.csv'}
    """
    if base is None:
        return Success(dict(words))
    parsed = parse_url(base, 'base_url')
    if not is_successful(parsed):
        return Failure(parsed.failure())
    joined = dict(words)
    try:
        if isinstance(words.get('url'), str):
            joined['url'] = urljoin(str(parsed.unwrap()), str(words['url']).strip())
    except ValueError:
        return Success(dict(words))  # It is refused as a URL, with its problem.
    return Success(joined)
