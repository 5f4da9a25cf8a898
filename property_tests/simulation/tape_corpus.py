"""Tapes that once broke a promise, by what went wrong then.

A tape means something else as soon as the code takes another step, so each kind has a test
of its own besides: these are where the simulation looks first.
"""

from typing import Final

TAPES: Final[dict[str, str]] = {
    "a mirror's part made its old version current": (
        '00000000000e000100000000000003000000000000000000000000000000000000000000000001000102020000'
        '010002020000770030000000000000000101bc000001ca01a50100b401'
    ),
    'another file got the name between link and record': (
        '00000000000000010000000b0000030000000000000000000000000000003d0000000000010000000000000000'
        '000000000000000000000000000000000000000000000000020000000100b40000650000000200000100'
        '02cb000001'
    ),
}
