"""Header fields: an immutable list of names and values, with case-insensitive names.

Pure. RFC 9110 section 5. Order and repetitions are kept.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Final, TypeAlias

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput, refuse
from dlmachine.core.frozen import frozen
from dlmachine.core.regex import regex
from dlmachine.core.secrets.redact import redact_fields
from dlmachine.core.secrets.secret_names import SecretNames
from dlmachine.core.text.control_chars import find_control_char, find_not_latin

#: A character of the name of a field (RFC 9110 section 5.6.2).
NAME_CHARACTER: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_TOKEN: Final = regex(f'{NAME_CHARACTER}+')


class _Folded(dict[str, str]):
    """Names in lower case; the first few hundred are remembered, which are those in this code."""

    def __missing__(self, name: str) -> str:
        folded = name.casefold()
        if len(self) < _MAX_FOLDED:
            self[name] = folded
        return folded


_MAX_FOLDED: Final = 256
_FOLDED: Final = _Folded()


@frozen(kw_only=False)
class Headers:
    """Header fields in order.

    `secret_names` are names whose values are masked, besides the built-in ones.

    >>> sent = Headers((('Accept', 'text/csv'), ('X-Id', '7')))
    >>> sent.get('accept'), 'x-id' in sent, sent.get('Range')
    ('text/csv', True, None)
    """

    items: tuple[tuple[str, str], ...] = ()
    secret_names: SecretNames = field(default=(), compare=False)
    #: Values by lower-case name, built at the first lookup.
    _index: Mapping[str, tuple[str, ...]] | None = field(default=None, init=False, compare=False)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """The fields in order."""
        return iter(self.items)

    def __len__(self) -> int:
        """The number of fields, repetitions included."""
        return len(self.items)

    def __contains__(self, name: str) -> bool:
        """Whether a field has this name, in any case."""
        return _FOLDED[name] in (self._index or self._by_name())

    def has_any(self, names: frozenset[str]) -> bool:
        """Whether a field has one of these names, which are in lower case."""
        return not names.isdisjoint(self._index or self._by_name())

    def __repr__(self) -> str:
        """Show the fields with secrets masked."""
        return f'Headers({self.redacted().items!r})'

    def get(self, name: str) -> str | None:
        """The value; different values are joined by a comma (RFC 9110 section 5.3); None if absent.

        Equal repetitions count once: some servers and proxies send a field twice.

        >>> Headers((('ETag', '"a"'), ('etag', '"a"'))).get('ETag')
        '"a"'
        """
        index, folded = self._index or self._by_name(), _FOLDED[name]
        if folded not in index:
            return None
        first, *others = index[folded]
        return ', '.join(dict.fromkeys((first, *others))) if others else first

    def get_all(self, name: str) -> tuple[str, ...]:
        """All values of this name, in order."""
        index, folded = self._index or self._by_name(), _FOLDED[name]
        return index.get(folded, ())

    @property
    def has_repetitions(self) -> bool:
        """Whether a name occurs more than once."""
        return len(self._index or self._by_name()) != len(self.items)

    def _by_name(self) -> Mapping[str, tuple[str, ...]]:
        index = self._index
        if index is None:
            index = _grouped(self.items)
            object.__setattr__(self, '_index', index)
        return index

    def with_field(self, name: str, value: str) -> 'Headers':
        """A copy with this field, which replaces all fields of its name."""
        return Headers((*self.without(name).items, (name, value)), self.secret_names)

    def with_defaults(self, *defaults: tuple[str, str]) -> 'Headers':
        """A copy with these fields added, except those whose name a field has already."""
        missing = [each for each in defaults if each[0] not in self] if self.items else defaults
        return Headers((*self.items, *missing), self.secret_names)

    def without(self, *names: str) -> 'Headers':
        """A copy without the fields of these names."""
        folded = {name.casefold() for name in names}
        kept = tuple(item for item in self.items if item[0].casefold() not in folded)
        return Headers(kept, self.secret_names)

    def with_secret_names(self, names: SecretNames) -> 'Headers':
        """A copy that masks the values of these names when it is shown."""
        return self if names == self.secret_names else Headers(self.items, names)

    def redacted(self) -> 'Headers':
        """A copy with the values of secret names, and secrets in URLs, masked."""
        return Headers(redact_fields(self.items, self.secret_names), self.secret_names)


#: Accepted forms of header fields: a mapping, pairs, or lines 'Name: value'.
HeadersLike: TypeAlias = Headers | Mapping[str, str] | Iterable[tuple[str, str] | str] | None


def _grouped(items: tuple[tuple[str, str], ...]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, value in items:
        folded = name.casefold()
        if folded in found:
            found[folded].append(value)
        else:
            found[folded] = [value]
    return {name: tuple(values) for name, values in found.items()}


def parse_headers(given: HeadersLike, where: str = 'headers') -> Result[Headers, Fault]:
    """Check and normalize a caller's header fields.

    Faults: `InvalidInput` for a name that is not a token, a value with CR, LF or NUL,
    or one that does not fit ISO 8859-1 (RFC 9110 section 5.5).

    >>> parse_headers(['Accept: text/csv']).unwrap().items
    (('Accept', 'text/csv'),)
    >>> parse_headers({'A b': 'x'}).failure().problem
    'is not a valid name of a header field'
    """
    if isinstance(given, Headers):
        return Success(given)
    pairs: list[tuple[str, str]] = []
    for entry in _entries(given):
        pair = _split_entry(entry)
        if pair is None:
            return refuse(
                f'{where}[{len(pairs)}]',
                'has no colon'
                if isinstance(entry, str)
                else f'must be a header field, not {type(entry).__name__}',
                "Pass a mapping, pairs, or lines like 'Accept: text/csv'",
            )
        fault = _find_fault(pair, where)
        if fault is not None:
            return Failure(fault)
        pairs.append((pair[0], pair[1].strip(' \t')))
    return Success(Headers(tuple(pairs)))


def _entries(given: object) -> tuple[object, ...]:
    if given is None:
        return ()
    if isinstance(given, Mapping):
        return tuple(given.items())
    return (given,) if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)


def _split_entry(entry: object) -> tuple[str, str] | None:
    if isinstance(entry, str):
        name, colon, value = entry.partition(':')
        return (name, value) if colon else None
    if isinstance(entry, (tuple, list)) and len(entry) == 2:
        name, value = entry
        if isinstance(name, str) and isinstance(value, (str, int, float)):
            try:
                return name, str(value)
            except ValueError:  # An integer of more than 4,300 digits.
                return None
    return None


def is_token(text: str) -> bool:
    """Whether a text is a legal name of a field (RFC 9110 section 5.6.2).

    >>> is_token('Content-Length'), is_token('Content-Length '), is_token('')
    (True, False, False)
    """
    return _TOKEN.fullmatch(text) is not None


def _find_fault(pair: tuple[str, str], where: str) -> InvalidInput | None:
    name, value = pair
    shown = name if is_token(name) else _shown_line(name)
    breaker = find_control_char(f'{where} name {shown!r}', name) or find_control_char(
        f'{where}[{name!r}]', value
    )
    if breaker is not None:
        return breaker
    if not is_token(name):
        return InvalidInput(
            where=f'{where}[{shown!r}]', problem='is not a valid name of a header field'
        )
    return find_not_latin(f'{where}[{name!r}]', value)


def _shown_line(name: str) -> object:
    # The caller may have passed a complete line as the name.
    from dlmachine.core.secrets.configuration import redact_value

    return redact_value(name)
