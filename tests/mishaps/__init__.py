"""The catalogue of what may happen between a request and the end of its answer.

Each mishap is told once and played twice: by the fakes of a simulation, and as bytes on a
real connection. `tests/adapters/test_true_faults.py` shows that the same comes of both.
"""

from typing import Final

from tests.mishaps.bodies import BODIES
from tests.mishaps.codings import CODINGS
from tests.mishaps.connections import CONNECTIONS
from tests.mishaps.framing import FRAMING
from tests.mishaps.heads import HEADS
from tests.mishaps.mishap import LIMIT, TOTAL, Mishap
from tests.mishaps.ranges import RANGES
from tests.mishaps.redirects import REDIRECTS
from tests.mishaps.statuses import STATUSES

MISHAPS: Final[tuple[Mishap, ...]] = (
    *CONNECTIONS,
    *HEADS,
    *BODIES,
    *FRAMING,
    *STATUSES,
    *RANGES,
    *CODINGS,
    *REDIRECTS,
)

__all__ = ['LIMIT', 'MISHAPS', 'TOTAL', 'Mishap']
