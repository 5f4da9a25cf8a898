"""The challenges in WWW-Authenticate: what a server asks for (RFC 9110 section 11.6.1).  Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from dlmachine.core.frozen import frozen

#: One element of the list: a scheme, alone or with its first parameter, or a further parameter.
#: Quoted strings may contain commas; one that does not end lasts to the end of the field.
_ELEMENT: Final = re.compile(r'(?:[^,"\\]|\\.|"(?:[^"\\]|\\.)*+"?|\\)++', re.DOTALL)
_PARAMETER: Final = re.compile(
    r'([^\s=,"]++)[ \t]*+=[ \t]*+("(?:[^"\\]|\\.)*+"?|[^\s,"=]++)', re.DOTALL
)
_SCHEME: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]++)(?:[ \t]++|\Z)")
_QUOTED_PAIR: Final = re.compile(r'\\(.)', re.DOTALL)
#: More than any server sends; the rest is not read.
_MAX_CHALLENGES: Final = 16
_MAX_CHARACTERS: Final = 16_384


@frozen
class Challenge:
    """A scheme in lower case, and its parameters, whose names are in lower case."""

    scheme: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def values(self) -> Mapping[str, str]:
        """The values by name; of a repeated one the first."""
        return dict(reversed(self.parameters))

    def __str__(self) -> str:
        """The scheme, with the realm if there is one."""
        realm = self.values.get('realm')
        shown = self.scheme.capitalize()
        return f'{shown} (realm {realm!r})' if realm else shown


def parse_challenges(fields: Iterable[str]) -> tuple[Challenge, ...]:
    """The challenges in fields, which are one list.

    >>> for one in parse_challenges(['Digest realm="a, b", nonce=7, Basic', 'bearer realm=x']):
    ...     print(one, dict(one.parameters).get('nonce'))
    Digest (realm 'a, b') 7
    Basic None
    Bearer (realm 'x') None
    """
    found: list[tuple[str, list[tuple[str, str]]]] = []
    for field in fields:
        for element in _ELEMENT.findall(field[:_MAX_CHARACTERS]):
            text = element.strip()
            parameter = _PARAMETER.match(text)
            scheme = None if parameter is not None else _SCHEME.match(text)
            if scheme is not None:
                if len(found) == _MAX_CHALLENGES:
                    break
                found.append((scheme[1].lower(), []))
                parameter = _PARAMETER.match(text, scheme.end())
            if parameter is not None and found:
                found[-1][1].append((parameter[1].lower(), _unquoted(parameter[2])))
    return tuple(
        Challenge(scheme=scheme, parameters=tuple(parameters)) for scheme, parameters in found
    )


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    return _QUOTED_PAIR.sub(r'\1', value[1:].removesuffix('"'))
