"""Secrets in URLs: one walk masks them, and collects them for searching other texts.

Pure. RFC 3986: userinfo (section 3.2.1), parameters of path segments (3.3), the query and
the fragment; and URLs inside them, percent-encoded or not. The walk also handles malformed
URLs, and its time is linear in their length.
"""

import json
import re
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, unquote_plus

from dlmachine.core.regex import regex
from dlmachine.core.secrets.secret_names import SecretNames, is_secret_name
from dlmachine.core.text.json_pairs import json_pairs

MASK: Final = '***'

#: The maximum depth of URLs inside URLs; deeper values are masked completely.
MAX_DEPTH: Final = 5

#: Most URLs: no part of them can be a secret.
_PLAIN: Final = regex(r'https?://[a-z0-9.\-]+(?::[0-9]+)?/[A-Za-z0-9_.~/\-]*')
#: A data: URL (RFC 2397), and its media type.
_CONTENT: Final = regex(r'(?i)[ ]*(?:(data:[a-z0-9!#$&^_.+;=/ \-]{0,200}),|data:)')
#: The text before an authority, also in malformed URLs: empty before a name and a password. (An
#: email address has no colon before its @.)
_BEFORE_AUTHORITY: Final = regex(
    r'[\x00-\x20]*+(?:[A-Za-z][A-Za-z0-9+.\-]*+:[/\\]++|[/\\]{2,}+)|(?=[^/\\?#=:]*+:[^/\\?#=@]*+@)'
)
_AFTER_AUTHORITY: Final = regex(r'[/\\?#]')
#: A URL in a path, as archives and proxies write it: /web/2020/https://host/path?query
_URL_IN_PATH: Final = regex(r'(?<=[/=])[A-Za-z][A-Za-z0-9+.\-]*+:/')
#: A header field as a value. Without a space only if the name is not a short word, which is often
#: the name of a search field.
_HEADER: Final = regex(
    r"\s*+(?:([!#$&'*+\-.^_`|~0-9A-Za-z]{1,100}+):[ \t+]|([\-_0-9A-Za-z]{5,100}+):)"
)
#: In a text without any of these a walk finds no secret.
_MAY_HOLD: Final = regex(r'%[0-9A-Fa-f]{2}|[@"]|[^=;&?]=|:[/\\ +]|[-_0-9A-Za-z]{5}:')
#: Characters that are not encoded when a nested URL is written back.
_SAFE: Final = '/:*'
#: URL parsers remove these (WHATWG URL, section 4.4).
_DROPPED: Final = str.maketrans('', '', '\t\r\n')


class Walked(NamedTuple):
    """A text with its secrets masked, and every secret in it, as written and decoded."""

    shown: str
    secrets: frozenset[str]


def is_plain_url(url: str) -> bool:
    """Whether no part of a URL can be a secret, as in most URLs without a query."""
    return _PLAIN.fullmatch(url) is not None


@lru_cache(maxsize=256)
def walk_url(url: str, declared: SecretNames = ()) -> Walked:
    """Mask the userinfo, the fragment and the secret values of a URL.

    `declared` are names whose values are secret, besides the built-in ones.

    >>> walk_url('https://me:pw@host/x;sid=b?token=abc&ids=1#end').shown
    'https://***@host/x;sid=***?token=***&ids=1'
    >>> walk_url('data:text/csv,a%2Cb').shown
    'data:text/csv,***'
    >>> sorted(walk_url('https://h/?next=https%3A//h/%3Ftoken%3Dabc').secrets)
    ['abc']
    """
    if is_plain_url(url):
        return Walked(url, frozenset())
    content = _CONTENT.match(url)
    if content is not None:
        # The content of a data: URL may be secret, and may be long.
        return Walked(f'{content[1] or "data:"},{MASK}', frozenset())
    walk = _Walk(declared)
    shown = walk.url(url.translate(_DROPPED))
    if walk.is_malformed:
        return Walked(MASK, walk.secrets() | {url})
    return Walked(shown.partition('#')[0], walk.secrets())


def walk_value(text: str, declared: SecretNames = ()) -> Walked:
    """Mask the value of a field, which may be a URL, a header field, JSON, or nested fields.

    >>> walk_value('https://me:pw@host/').shown, walk_value('a=1').shown
    ('https://***@host/', 'a=1')
    """
    if not _may_hold(text):
        return Walked(text, frozenset())
    walk = _Walk(declared)
    return Walked(walk.reference(text), walk.secrets())


class _Walk:
    """One walk over a text, and the secrets that it found."""

    def __init__(self, declared: SecretNames) -> None:
        self._declared = declared
        self._found: set[str] = set()
        self._depth = 0
        self.is_malformed = False

    def secrets(self) -> frozenset[str]:
        """The secrets found, as written and decoded."""
        coded = [text for text in self._found if '%' in text or '+' in text]
        decoded = {way(text) for text in coded for way in (unquote, unquote_plus)}
        return frozenset(text for text in self._found | decoded if text)

    def url(self, text: str) -> str:
        """A URL, absolute or relative."""
        begun = _BEFORE_AUTHORITY.match(text)
        if begun is not None:
            return self._absolute(begun[0], text[begun.end() :])
        # Without a scheme, the text before an @ may be a login.
        front, rest = _cut(text, _AFTER_AUTHORITY)
        return self._authority(front) + self._path_and_more(rest)

    def reference(self, text: str) -> str:
        """Mask a value inside another URL: a URL, a part of one, a header field, or JSON."""
        if text[:1] in _JSON_STARTS:
            return self._json(text)
        header = self._header_end(text)
        if header:
            name, value = _cut_at(text, header)
            self._found |= {value, value.strip().partition(' ')[2]}
            return name + MASK
        begun = _BEFORE_AUTHORITY.match(text)
        if begun is not None:
            return self._absolute(begun[0], text[begun.end() :])
        return self._path_and_more(text)

    def _header_end(self, text: str) -> int:
        found = _HEADER.match(text)
        if found is None or not self._is_secret(found[1] or found[2]):
            return 0
        return found.end()

    def _json(self, text: str) -> str:
        if text.count('[') + text.count('{') > _MAX_BRACKETS:
            self._found.add(text)
            return MASK
        try:
            pairs = list(json_pairs('', json.loads(text)))
        except (ValueError, RecursionError):
            return self._path_and_more(text)
        secrets = {value for name, value in pairs if self._is_secret(name)}
        self._found |= secrets
        nested = [self._nested(value) != value for _, value in pairs]
        return MASK if secrets or any(nested) else text

    def _nested(self, text: str) -> str:
        if not _may_hold(text):
            return text
        if self._depth >= MAX_DEPTH:
            self._found.add(text)
            return MASK
        self._depth += 1
        shown = self.reference(text)
        self._depth -= 1
        return shown

    def _decoded(self, text: str) -> str:
        decoded = unquote_plus(text)
        shown = decoded if decoded == text else self._nested(decoded)
        if shown == decoded:
            return text
        return quote(shown, _SAFE, errors='surrogatepass')

    def _absolute(self, before: str, rest: str) -> str:
        authority, after = _cut(rest, _AFTER_AUTHORITY)
        if '@' not in authority and '@' in after and _has_bad_port(authority):
            # A password with an unescaped slash, question mark or hash.
            login, after = _cut_at(rest, rest.rindex('@'))
            host, after = _cut(after, _AFTER_AUTHORITY)
            authority = login + host
        self.is_malformed |= authority.count('[') != authority.count(']')
        return before + self._authority(authority) + self._path_and_more(after)

    def _authority(self, authority: str) -> str:
        userinfo, marked, host = authority.rpartition('@')
        if not marked and '%40' in authority:  # Malformed, but messages show it.
            userinfo, marked, host = unquote(authority).rpartition('@')
        if not marked:
            return authority
        self._found |= {userinfo, *userinfo.split(':', 1)}
        return f'{MASK}@{host}'

    def _path_and_more(self, text: str) -> str:
        if not _may_hold(text):
            return text
        path, rest = ('', text) if _FIELDS.match(text) else _cut(text, _AFTER_PATH)
        nested = _URL_IN_PATH.search(path)
        if nested is not None:
            front, rest = _cut_at(text, nested.start())
            return self._runs(front, '/') + self._nested(rest)
        query, mark, fragment = rest.partition('#')
        return self._runs(path, '/') + self._runs(query, '&') + mark + self._runs(fragment, '&')

    def _runs(self, text: str, separator: str) -> str:
        return separator.join([self._run(run) for run in text.split(separator)])

    def _run(self, run: str) -> str:
        # Between two separators there may be several fields, or a URL. A secret may contain any of
        # these characters, so the rest of the run is masked with it.
        if not _may_hold(run):
            return run
        pieces = _IN_A_RUN.split(run)
        for index in range(0, len(pieces), 2):  # The others are separators.
            piece = pieces[index]
            if not piece:
                continue
            has_value = pieces[index + 1 : index + 2] == ['=']
            if has_value and self._is_secret(_plain_name(piece)):
                value = ''.join(pieces[index + 2 :])
                self._found |= {value, _cut(value, _VALUE_END)[0]}
                return ''.join([*pieces[: index + 2], MASK])
            if _begins_url(piece) or piece[:2] in _RAW_JSON or self._header_end(piece):
                rest = ''.join(pieces[index:])
                return ''.join(pieces[:index]) + self._nested(rest)
            pieces[index] = self._decoded(piece)
        return ''.join(pieces)

    def _is_secret(self, name: str) -> bool:
        return is_secret_name(name, self._declared)


#: JSON with more lists and objects is masked completely.
_MAX_BRACKETS: Final = 1_000
_JSON_STARTS: Final = ('{', '[', '"')
_RAW_JSON: Final = frozenset({'{"', '["', '[{', '[['})
_IN_A_RUN: Final = regex(r'([;&?=])')
_VALUE_END: Final = regex(r'[;&?]')
_ESCAPED_AGAIN: Final = regex(r'%(?:25)+(?=[0-9A-Fa-f]{2})')
#: A text whose first = comes before any slash consists of fields, not of a path.
_FIELDS: Final = regex(r'(?!;)[^=/?#]*+=')
_AFTER_PATH: Final = regex(r'[?#]')


def _may_hold(text: str) -> bool:
    return _MAY_HOLD.search(text) is not None


def _plain_name(name: str) -> str:
    return unquote_plus(_ESCAPED_AGAIN.sub('%', name))


def _begins_url(text: str) -> bool:
    return _BEFORE_AUTHORITY.match(text) is not None


def _has_bad_port(authority: str) -> bool:
    _, colon, port = authority.rpartition(']')[2].partition(':')
    return bool(colon) and not port.isdigit()


def _cut(text: str, pattern: re.Pattern[str]) -> tuple[str, str]:
    found = pattern.search(text)
    return (text, '') if found is None else _cut_at(text, found.start())


def _cut_at(text: str, position: int) -> tuple[str, str]:
    return text[:position], text[position:]
