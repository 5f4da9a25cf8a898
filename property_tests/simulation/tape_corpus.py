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
    'another file of the same size got the name of a recorded one': (
        '00000000000000010000000b0001030000000000000000000000000000000000000000000000000000dd000001'
        '00000100000000006d01000000cc0101000000000000000400000000000000000000000000000000000000ef00'
        '00b4000100000000000000000000c6'
    ),
    'another file got the name between link and record': (
        '00000000000000010000000b0000030000000000000000000000000000003d0000000000010000000000000000'
        '000000000000000000000000000000000000000000000000020000000100b40000650000000200000100'
        '02cb000001'
    ),
    'an error after the rename over a file': (
        'a0d37a7ef926cd5f53b50ee18962ce23c24d82aa89adcc4eb24ce7783ccdb19aa873c487877b85794e99b96dbf'
        'bb95e42843a34c20b811dbd7f1b0a42fa29c38a237ad0a506164bd4837fcef'
    ),
    'wrong bytes of an earlier run made a mirror serve its old version': (
        'f360f711ea6ba1aa08b23392422f2503d25e8b6927c53475fe18b045b87d902f9ef6d449d04006e39e5f86e02b'
        '5d6d236b04093456ebba6e7e1d3fcf9e3656759b3f50dee3a672b8654c20b2d3b2f2f7ae80dc5ae7e0ce037f2f'
        '3100e3fe8571'
    ),
}
