"""Tapes for a long simulation: random ones, and variations of those that reached rare pairs."""

from collections import Counter
from collections.abc import Iterable
from random import Random
from typing import Final

MAX_BYTES: Final = 250
#: The first bytes choose the scenario; zeros make simple ones.
_SCENE_BYTES: Final = 45
#: Scenarios that often reach rare pairs, as bytes at positions of the tape: processes without locks
#: while files are removed; a stored version replaced while the registry fails; segments on a disk
#: that fails; two files with one name, of which the first is kept; two variants of a file, and one
#: that is stale soon; files at paths that users change. If the positions change, they are scenarios like others.
_SCENES: Final[tuple[dict[int, int], ...]] = (
    {7: 1, 11: 11, 14: 3},
    {11: 8, 13: 1, 16: 2, 17: 0},
    {0: 0, 6: 3, 10: 1, 12: 0, 13: 0, 14: 1, 15: 0, 16: 0, 17: 101, 34: 1, 35: 7, 36: 0, 37: 101},
    {10: 1, 11: 11, 13: 2, 15: 0, 16: 0, 17: 77},
    {6: 36, 13: 2, 14: 3, 15: 0, 16: 0, 17: 0, 26: 12, 34: 1, 36: 3, 37: 0, 46: 20},
    {6: 20, 13: 2, 14: 3, 15: 0, 16: 0, 17: 0, 26: 4},
    {0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 11: 5, 15: 0, 17: 0, 19: 0, 24: 0, 31: 1},
)
#: The number of rare pairs to vary, and of tapes for each.
_RAREST: Final = 10
_KEPT: Final = 8


class Tapes:
    """A source of tapes, which depends on a seed and on the pairs reached before."""

    def __init__(self, seed: int) -> None:
        """Starts with nothing reached."""
        self._random = Random(seed)
        self._reached: Counter[tuple[str, str]] = Counter()
        self._kept: dict[tuple[str, str], list[bytes]] = {}

    def next(self) -> bytes:
        """The next tape."""
        if self._kept and self._random.random() < 0.5:
            rarest = sorted(self._kept, key=lambda one: (self._reached[one], one))[:_RAREST]
            return self._near(self._random.choice(self._kept[self._random.choice(rarest)]))
        return self._made_up()

    def learn(self, tape: bytes, reached: Iterable[tuple[str, str]]) -> None:
        """Keep the first and the latest tape for each pair that it reached."""
        for one in reached:
            self._reached[one] += 1
            kept = self._kept.setdefault(one, [])
            kept.append(tape)
            del kept[1 : 1 - _KEPT]

    def _made_up(self) -> bytes:
        draw = self._random
        density = draw.choice((0.1, 0.3, 0.6, 1.0))
        in_scene = max(density, 0.6)
        made = bytearray(draw.randrange(MAX_BYTES))
        for at in range(len(made)):
            if draw.random() < (in_scene if at < _SCENE_BYTES else density):
                made[at] = draw.randrange(256)
        if draw.random() < 0.3:
            for at, value in draw.choice(_SCENES).items():
                made[at : at + 1] = bytes([value])
        return bytes(made)

    def _near(self, tape: bytes) -> bytes:
        draw, made = self._random, bytearray(tape)
        for _ in range(draw.choice((1, 1, 2, 4))):
            at = draw.randrange(len(made) + 1)
            match draw.randrange(3):
                case 0:
                    made[at : at + 1] = bytes([draw.randrange(256)])
                case 1:
                    made[at:at] = bytes([draw.randrange(256)])
                case _:
                    del made[at : at + draw.choice((1, 1, 8))]
        return bytes(made[:MAX_BYTES])
