"""Texts with stars: `*` stands for text without a separator, `**` for any text.

Pure. All ways to match are followed at once, as bits of a number, so the time is linear in the text
whatever the stars are; a regular expression with many stars takes exponential time.
"""

from functools import lru_cache
from typing import Final, TypeAlias

#: For each character the bits of the places where the pattern has it; then the bits of `*`, of
#: `**`, and the bit after the last place.
_Bits: TypeAlias = tuple[dict[str, int], int, int, int]
_REMEMBERED: Final = 256


def is_like(text: str, pattern: str, separator: str = '') -> bool:
    """Whether a text matches a pattern as a whole; case counts.

    Without a separator `*` stands for any text, too.

    >>> is_like('a/b.gz', '**.gz', '/'), is_like('a/b.gz', '*.gz', '/'), is_like('ab', 'a*')
    (True, False, True)
    """
    literals, within, anything, end = _compiled(pattern)
    stars = within | anything
    ways = 1 | (stars & 1) << 1
    for char in text:
        stay = anything if char == separator else stars
        ways = (ways & literals.get(char, 0)) << 1 | ways & stay
        if not ways:
            return False
        ways |= (ways & stars) << 1
    return bool(ways & end)


@lru_cache(maxsize=_REMEMBERED)
def _compiled(pattern: str) -> _Bits:
    literals: dict[str, int] = {}
    within = anything = 0
    bit, previous = 1, ''
    for char in pattern:
        if char == '*' == previous:
            # The stars before this one are one place, which takes any text.
            within, anything = within & ~(bit >> 1), anything | bit >> 1
            continue
        if char == '*':
            within |= bit
        else:
            literals[char] = literals.get(char, 0) | bit
        bit, previous = bit << 1, char
    return literals, within, anything, bit
