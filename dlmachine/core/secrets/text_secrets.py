"""Secrets in free text: the value of a header field, or a line of a configuration.

Pure. Such a text may hold URLs, JSON, parameters (`name=value`, RFC 9110 section 5.6.6), other
header fields (`Name: value`), and logins (`user:password@host`). One walk masks the secrets in
all of these, and collects them, in linear time.
"""

from typing import Final
from urllib.parse import unquote

from dlmachine.core.regex import regex
from dlmachine.core.secrets.secret_names import MAY_HOLD, SecretNames, is_secret_name
from dlmachine.core.secrets.url_secrets import MASK, Walked, walk_url, walk_value

_URL: Final = regex(r'((?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{0,30}+://[^\s"<>]*+)')
#: The name of a header field, perhaps in quotation marks, before a colon or the next list item; or
#: that of an XML element.
_FIELD: Final = regex(
    r"""(?<![A-Za-z0-9_\-])([!#$%&*+\-.^_`|~0-9A-Za-z]{1,100}+)"""
    r"""(?:["']?[ \t]{0,8}+[:>]|["'][ \t]{0,8}+,)"""
)
#: A table that names a field: `{name = "Cookie", value = "a=1"}`.
_NAMED: Final = regex(
    r"""(?i)(?<![a-z0-9_\-])(?:name|key|header|field|parameter|param|variable)["']?"""
    r"""[ \t]{0,8}+[:=][ \t]{0,8}+["']?([a-z0-9_\-.]{1,100}+)["']?"""
)
#: A parameter: its value ends where the next one begins.
_PARAMETER: Final = regex(
    r"""(?<![A-Za-z0-9_\-.])([A-Za-z0-9_\-.\[\]]{1,100}+)["']?[ \t]{0,8}+=>?[ \t]{0,8}+"""
    r"""("(?:[^"\\]|\\.)*+"?|'[^']*+'?|[^;,&"'<>{}]++)"""
)
#: Credentials by their form: a scheme with a token (RFC 6750, 7617) that is not a word of plain
#: language, or a JWT (RFC 7519).
_CREDENTIALS: Final = regex(
    r'(?i)(?<![a-z0-9])(?:(?:bearer|basic)[ ]{1,8}+'
    r'(?=[a-z._~+/\-]{0,100}+[0-9=]|[a-z0-9._~+/\-]{16})([a-z0-9._~+/\-]{6,}+=*+)'
    r'|(eyJ[a-z0-9_\-]{6,}+\.eyJ[a-z0-9_\-]{6,}+\.[a-z0-9_\-]*+))'
)
_ESCAPED: Final = regex(r'\\u([0-9A-Fa-f]{4})')
_WORD: Final = regex(r"""([^\s"'<>,]++)""")
#: The value of a named field among others.
_VALUE: Final = regex(r"""[:=][ \t]{0,8}+["']?([^"',;}]++)""")
_VALUE_END: Final = regex(r"""["',;<]""")
_JSON_STARTS: Final = ('{', '[', '"')


def walk_text(text: str, declared: SecretNames = ()) -> Walked:
    """Mask each secret in a text that is not a URL, and collect it.

    What follows the secret name of a header field is masked to the end of the text.

    >>> walk_text('h2="me:pw@h"; ma=60').shown, walk_text('a; token="b c", d=e').shown
    ('h2="***@h"; ma=60', 'a; token=***, d=e')
    >>> sorted(walk_text('see X-Api-Key: abc').secrets)
    ['abc']
    """
    if not declared and MAY_HOLD.search(text) is None:
        return Walked(text, frozenset())
    if text.lstrip()[:1] in _JSON_STARTS:
        walked = walk_value(text.strip(), declared)
        if walked.shown == MASK:
            return walked
    walk = _Walk(declared)
    shown = walk.text(text)
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), unquote(text))
    if plain != text:
        inside = _Walk(declared)
        inside.text(plain)
        if not inside.found <= walk.found | {unquote(one) for one in walk.found}:
            return Walked(MASK, frozenset(filter(None, walk.found | inside.found)))
    return Walked(shown, frozenset(filter(None, walk.found)))


class _Walk:
    """One walk over a text, and the secrets that it found."""

    def __init__(self, declared: SecretNames) -> None:
        self._declared = declared
        self.found: set[str] = set()

    def text(self, text: str) -> str:
        """Mask the rest after the name of a secret field, and each secret before it."""
        start, end = self._find_field(text)
        shown = self._around_urls(text[:start])
        if end == len(text):
            return shown + text[start:]
        return f'{shown}{text[start:end]} {self._secret(text[end:])}'

    def _find_field(self, text: str) -> tuple[int, int]:
        for named in _NAMED.finditer(text):
            if self._is_secret(named[1]):
                return named.span()
        for field in _FIELD.finditer(text):
            # In an escape, as `x\nCookie: a=1`, the name has a letter before it.
            is_escaped = text[field.start() - 1 : field.start()] == '\\'
            if self._is_secret(field[1]) or (is_escaped and self._is_secret(field[1][1:])):
                return field.span()
        return len(text), len(text)

    def _around_urls(self, text: str) -> str:
        pieces = _URL.split(text)
        for index, piece in enumerate(pieces):
            if index % 2:
                walked = walk_url(piece, self._declared)
                self.found |= walked.secrets
                pieces[index] = walked.shown
            else:
                pieces[index] = self._parameters(piece)
        return ''.join(pieces)

    def _parameters(self, text: str) -> str:
        shown: list[str] = []
        end = 0
        for found in _PARAMETER.finditer(text):
            if self._is_secret(found[1]):
                shown += self._credentials(text[end : found.start()])
                shown += [text[found.start() : found.start(2)], self._secret(found[2])]
                end = found.end()
        return ''.join([*shown, *self._credentials(text[end:])])

    def _credentials(self, text: str) -> list[str]:
        shown: list[str] = []
        end = 0
        for found in _CREDENTIALS.finditer(text):
            start, after = found.span(found.lastindex or 0)
            shown += [*self._words(text[end:start]), self._secret(text[start:after])]
            end = after
        return [*shown, *self._words(text[end:])]

    def _words(self, text: str) -> list[str]:
        pieces = _WORD.split(text)
        for index in range(1, len(pieces), 2):
            walked = walk_value(pieces[index], self._declared)
            self.found |= walked.secrets
            pieces[index] = walked.shown
        return pieces

    def _secret(self, value: str) -> str:
        bare = value.strip(' \t"\'')
        for text in (bare, _VALUE_END.split(bare, maxsplit=1)[0], *_VALUE.findall(value)):
            # The second word of credentials is the secret (RFC 9110 section 11.4).
            self.found |= {text, text.partition(' ')[2].strip()}
        return MASK

    def _is_secret(self, name: str) -> bool:
        return is_secret_name(name, self._declared)
