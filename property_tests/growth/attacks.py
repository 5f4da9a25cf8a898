"""Texts of any length: one repeated unit between a beginning and an end.

No text is made for one parser: each is passed to all, so that a new parser is tested with the
attacks on the others.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, product
from typing import Final

#: `{n}` stands for a different number in each repetition, to make many keys, tokens, lines.
_UNITS: Final = (
    *' \t\n\r\0"\\\'()<>[]{},;:=/?&#%@.-_*+!|~^$`0aZé\x0b\xa0\u0130',
    '<!---->', '<!--', '<!-- -', '<a>', '<a ', '<?x?>', '<!', '</', '--', '-->',
    'a=', 'a=b;', 'a=b&', 'a="', '"a",', '\\"', '"\\', 'a,', 'a;', 'a:', ' a', 'a ', ' ,', ', ',
    ' ;', '=,', '",', '%', '%25', '%2', '%00', '%3A//', '%252', '+%', '=?utf-8?q?a?=', '=?', "''",
    '//', '/.', '/./', '/../', '../', './', '\\..\\', '://', 'http://', 'http://a/?b=', '?a=http://',
    'a@', 'a:b@', '@:', '[:', '::', '.a', 'a.', 'xn--', '%40', 'bytes=0-1,', '0-', '0-0,', '0/', '1e',
    'Mon, ', '01 Jan ', 'W/"a",', 'W/', ':Zm9v:', 'sha-256=', 'sha-256=:Zm9v:,', 'md5=Zm9v,', '<a>; b=c, ',
    '; filename=', '; filename="a', "; filename*=utf-8''%41", '0;url=', 'Bearer ', 'Basic YTpi ',
    '\r\n', '\n ', ' \n', '# ', '#a\n', 'SHA256 (a) = ', 'MD5 (', ') = ', '  *', 'aa  a\n', ' \\',
    '{"a":', '[{', '"a":', '[1,', 'true,', '\\u0041', '\\ud800', '-1', '1_', '1d', '0x',
    'HTTP/1.1 ', 'HTTP/1.1 200 OK\r\n', 'A: b\r\n', ' b\r\n', 'chunked,', 'gzip, ',
    'k{n}=v{n}&', 'token={n}&', 'access_token=a{n}b;', 'a{n}=b; ', '{n},', '{n}\n', '"{n}":{n},', '/{n}',
    'k{n}: v{n}\r\n', 'md5={n},', '<http://h/{n}>, ', 'http://u{n}:p{n}@h/ ', '{n:064x}  f{n}\n', '%{n:04x}',
)  # fmt: skip
_STARTS: Final = (
    '', '"', '<', '{', 'a=', 'http://h/', 'http://h/?', 'attachment; filename="',
    'attachment; filename=', 'sha-256=:',
)  # fmt: skip
_ENDS: Final = ('', '!', '"')


_COUNTER: Final = re.compile(r'\{n(:[0-9a-z]+)?\}')


@dataclass(frozen=True)
class Attack:
    """A text that can be made in any size."""

    start: str
    unit: str
    end: str

    def __str__(self) -> str:
        return f'{self.start!r} + {self.unit!r} * n + {self.end!r}'

    def grown(self, size: int) -> str:
        """The text with about this many characters; `{n}` is replaced by a counter."""
        left = size - len(self.start) - len(self.end)
        if _COUNTER.search(self.unit) is None:
            return self.start + self.unit * max(left // len(self.unit), 1) + self.end
        count = max(left // len(self.unit.format(n=100_000)), 1)
        return self.start + ''.join(self.unit.format(n=n) for n in range(count)) + self.end


def attacks(more_units: Iterable[str] = ()) -> list[Attack]:
    """All attacks: each unit alone, after each start, and before each end."""
    units = (*_UNITS, *more_units)
    wraps = chain(((start, '') for start in _STARTS), (('', end) for end in _ENDS[1:]))
    return [Attack(start, unit, end) for unit, (start, end) in product(units, tuple(wraps))]


def broken_into(text: str, size: int = 16) -> tuple[str, ...]:
    """The same text in many short pieces."""
    return tuple(text[at : at + size] for at in range(0, len(text), size))
