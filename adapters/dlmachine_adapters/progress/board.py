"""The state of one batch, or of one download, and its lines on a display.  Times are passed in."""

from collections import deque
from dataclasses import dataclass
from typing import Final

from dlmachine.core.faults.printing import printable
from dlmachine.core.protocol import progress
from dlmachine.core.protocol.outcome import Origin
from dlmachine_adapters.progress.layout import Marks, amount, clock, name_width, note, row

#: Shorter downloads and batches are not shown.
QUIET_SECONDS: Final = 0.5
#: The speed is that of the last seconds.
_SPEED_SECONDS: Final = 5.0


@dataclass(slots=True)
class _Running:
    """A download that runs; it waits until `until`."""

    name: str
    began: float
    done: int | None = None
    total: int | None = None
    until: float = 0.0
    reason: str = ''

    @property
    def fraction(self) -> float | None:
        """The share of its bytes that are there; None if it is not known."""
        return min((self.done or 0) / self.total, 1.0) if self.total else None

    def is_due(self, now: float) -> bool:
        """Whether it has lasted long enough to be shown; a wait is shown at once."""
        return now - self.began >= QUIET_SECONDS or self.until - now >= QUIET_SECONDS


class Board:
    """What is known about the downloads of a batch, or about one download."""

    def __init__(self, now: float) -> None:
        self.began = now
        self._is_batch = False
        self._total: int | None = None
        self._running: dict[int, _Running] = {}
        self._finished = self._failed = self._unchanged = 0
        self._moved = 0
        self._samples: deque[tuple[float, int]] = deque([(now, 0)])

    def handle(self, event: progress.ProgressEvent, now: float) -> None:
        """Update the state by an event."""
        match event:
            case progress.BatchStarted(total=total):
                self._is_batch, self._total = True, total
            case progress.DownloadStarted(index=index, name=name):
                self._running[index] = _Running(printable(name), now)
            case progress.DownloadAdvanced(index=index, done_bytes=done, total_bytes=total):
                self._advance(self._running.get(index), done, total, now)
            case progress.DownloadWaiting(index=index, duration=duration, reason=reason):
                if index in self._running:
                    self._running[index].until = now + duration.total_seconds()
                    self._running[index].reason = printable(reason)
            case progress.DownloadFinished(index=index, outcome=outcome):
                self._running.pop(index, None)
                self._finished += 1
                self._unchanged += outcome.origin is not Origin.NETWORK
            case progress.DownloadFailed(index=index):
                self._running.pop(index, None)
                self._failed += 1

    def _advance(self, running: _Running | None, done: int, total: int | None, now: float) -> None:
        if running is None:
            return
        # The first report is what was there before; a smaller one is another beginning.
        if running.done is not None:
            self._moved += max(done - running.done, 0)
        running.done, running.total, running.until = done, total, 0.0
        if now - self._samples[-1][0] >= _SPEED_SECONDS / 50:
            self._samples.append((now, self._moved))
        while len(self._samples) > 2 and now - self._samples[0][0] > _SPEED_SECONDS:
            self._samples.popleft()

    def is_due(self, now: float) -> bool:
        """Whether there is anything to show."""
        is_old = now - self.began >= QUIET_SECONDS
        return is_old or any(one.is_due(now) for one in self._running.values())

    def lines(self, now: float, width: int, height: int, marks: Marks) -> list[str]:
        """The lines of a display of this size: first the batch, then what runs."""
        shown = [one for one in self._running.values() if one.is_due(now)]
        head = [self._head(now, width, marks)] if self._is_batch else []
        room = max(height - len(head), 1)
        hidden = len(shown) - room + 1 if len(shown) > room else 0
        shown = shown[: len(shown) - hidden]
        names = name_width([one.name for one in shown], width)
        rows = [self._row(one, now, names, width, marks) for one in shown]
        return [*head, *rows, *([f'{hidden} more'] if hidden else [])]

    def ended(self, width: int, marks: Marks) -> list[str]:
        """The last lines, which stay: what was done of the batch, or of the download."""
        if self._is_batch:
            ended = self._finished + self._failed
            share = ended / self._total if self._total else float(not self._running)
            return [row([f'{share:.0%}', *self._pieces()], share, width, marks)]
        begun = [one for one in self._running.values() if one.done is not None]
        names = name_width([one.name for one in begun], width)
        return [self._end(one, names, width, marks) for one in begun]

    def plain(self, now: float) -> str:
        """The state in one line, for an output that is not a terminal."""
        if self._is_batch:
            return ', '.join([*self._pieces(), *self._times(now)])
        names = ', '.join(one.name for one in self._running.values())
        pieces = [amount(one.done or 0, one.total) for one in self._running.values()]
        return f'{names}: {", ".join([*pieces, *self._times(now)])}'

    def _head(self, now: float, width: int, marks: Marks) -> str:
        pieces = [*self._pieces(), *self._times(now)]
        if len(' '.join(pieces)) > width:
            pieces = [pieces[0].removesuffix(' files'), *pieces[1:]]
        ended = self._finished + self._failed
        fraction = (ended + self._shares()) / self._total if self._total else None
        return row(pieces, fraction, width, marks)

    def _pieces(self) -> list[str]:
        ended = self._finished + self._failed
        of = '' if self._total is None else f'/{self._total}'
        failed = [f'{self._failed} failed'] if self._failed else []
        return [f'{ended}{of} files', *failed, amount(self._moved)]

    def _times(self, now: float) -> list[str]:
        began, moved = self._samples[0]
        speed = (self._moved - moved) / (now - began) if now > began else 0.0
        left = self._left(now, speed)
        return [f'{amount(round(speed))}/s', *([] if left is None else [clock(left)])]

    def _left(self, now: float, speed: float) -> float | None:
        if not self._is_batch:
            totals = [(one.total, one.done or 0) for one in self._running.values()]
            if not speed or len(totals) != 1 or totals[0][0] is None:
                return None
            return max(totals[0][0] - totals[0][1], 0) / speed
        # Files that were there already say nothing about how long the others take.
        shares = self._shares()
        worked = self._finished - self._unchanged + self._failed + shares
        if self._total is None or worked <= 0:
            return None
        rest = self._total - self._finished - self._failed - shares
        return (now - self.began) * max(rest, 0.0) / worked

    def _shares(self) -> float:
        return sum(one.fraction or 0.0 for one in self._running.values())

    def _row(self, one: _Running, now: float, names: int, width: int, marks: Marks) -> str:
        if one.until > now:
            text = f'wait {clock(one.until - now)}: {one.reason}'
            return note(one.name, names, text, width, marks)
        if one.done is None:
            return note(one.name, names, 'waiting', width, marks)
        times = [] if self._is_batch else self._times(now)
        pieces = [amount(one.done, one.total), *times]
        return row(pieces, one.fraction, width, marks, one.name, names)

    def _end(self, one: _Running, names: int, width: int, marks: Marks) -> str:
        share = one.fraction
        pieces = [*([] if share is None else [f'{share:.0%}']), amount(one.done or 0, one.total)]
        return row(pieces, share, width, marks, one.name, names)
