"""The summary of a batch: how many downloads ended in which way, and why some failed."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from dlmachine.core.faults import Fault, HttpStatus
from dlmachine.core.protocol.outcome import Origin

if TYPE_CHECKING:
    from dlmachine.batch.items import BatchItem

#: What the summary calls the downloads of each origin, in its order.
_WORDS: Final = {Origin.NETWORK: 'downloaded', Origin.CACHE: 'unchanged', Origin.STALE: 'stale'}
#: A reason names this many downloads.
_NAMED: Final = 3


class Summary:
    """The results of a batch so far, out of `total`."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._origins: Counter[Origin] = Counter()
        self._failures: defaultdict[tuple[str, int | None], list[tuple[str, str]]]
        self._failures = defaultdict(list)
        self.faults: list[Fault] = []

    def add(self, item: 'BatchItem[Any]', name: str) -> None:
        """Count a result."""
        if item.ok:
            self._origins[item.outcome.origin] += 1
            return
        fault = item.fault
        self.faults.append(fault)
        key = fault.code, getattr(fault, 'status', None)
        self._failures[key].append((name, _reason(fault)))

    def lines(self) -> Iterator[str]:
        """The numbers, and a line for each reason of failures, the most frequent first."""
        counts = [(self._origins[origin], word) for origin, word in _WORDS.items()]
        counts.append((len(self.faults), 'failed'))
        yield ', '.join(f'{count} {word}' for count, word in counts if count)
        for (code, _), found in sorted(self._failures.items(), key=lambda one: -len(one[1])):
            reasons = {reason for _, reason in found}
            reason = reasons.pop() if len(reasons) == 1 else code.replace('_', ' ')
            names = ', '.join(name for name, _ in found[:_NAMED])
            more = f' and {len(found) - _NAMED} more' if len(found) > _NAMED else ''
            yield f'  {len(found)} failed: {reason} ({names}{more})'

    def interrupted(self) -> str:
        """What an interrupted batch has finished, and what to do about the rest."""
        finished = sum(self._origins.values())
        rest = 'run the same command again to fetch the rest'
        return f'interrupted: {finished} of {self._total} files are finished; {rest}'


def _reason(fault: Fault) -> str:
    if isinstance(fault, HttpStatus):
        return f'the server answered {fault.status} {fault.reason}'.rstrip()
    return fault.what().removeprefix(fault.about)
