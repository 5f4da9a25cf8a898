"""The catalogue of faults between a request and the end of its response.

Each fault is defined once and played twice: by the fakes of a simulation, and as bytes on a real
connection. `tests/adapters/contracts/test_true_faults.py` shows that both have the same result.
"""

from typing import Final

from tests.server_faults.bodies import BODIES
from tests.server_faults.codings import CODINGS
from tests.server_faults.connections import CONNECTIONS
from tests.server_faults.framing import FRAMING
from tests.server_faults.heads import HEADS
from tests.server_faults.ranges import RANGES
from tests.server_faults.redirects import REDIRECTS
from tests.server_faults.server_fault import LIMIT, TOTAL, ServerFault
from tests.server_faults.statuses import STATUSES

SERVER_FAULTS: Final[tuple[ServerFault, ...]] = (
    *CONNECTIONS,
    *HEADS,
    *BODIES,
    *FRAMING,
    *STATUSES,
    *RANGES,
    *CODINGS,
    *REDIRECTS,
)

__all__ = ['LIMIT', 'SERVER_FAULTS', 'TOTAL', 'ServerFault']
