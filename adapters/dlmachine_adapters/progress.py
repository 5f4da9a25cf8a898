"""Progress bars on stderr, by tqdm.

Contract: implements `ports.Progress`. Bars appear only on a terminal or in a notebook; elsewhere,
or if they are disabled, tqdm is not loaded.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache
from io import BytesIO
from threading import Lock, RLock
from typing import Any, BinaryIO, Final

from dlmachine.core.http.byte_ranges import count_bytes
from dlmachine.core.http.response import Received
from dlmachine.core.plan.render import show_effect
from dlmachine.core.protocol.body_decision import StoreBody
from dlmachine.core.protocol.effects import Discard, ExchangeSegments, Publish, Reassemble, Wait
from dlmachine.core.protocol.events import Discarded, EffectFailed, NameTaken, Published
from dlmachine.core.protocol.ports import Part, Sink

#: Shorter downloads and waits show no bar.
_QUIET_SECONDS: Final = 0.5
_USUAL_SIZE: Final = {'ncols': 80, 'nrows': 24}
_NOT_SET: Final = frozenset({'', '0', 'false', 'no', 'off'})
#: A closed or unwritable stderr must not fail a download.
_UNSHOWABLE: Final = (OSError, ValueError)


class NoProgress:
    """Shows nothing."""

    def watch(self, part: Part, label: str) -> Part:
        """Return the part unchanged."""
        return part

    def leave(self, part: Part) -> None:
        """Do nothing."""

    def waiting(self, effect: Wait, label: str) -> AbstractContextManager[None]:
        """Show nothing."""
        return contextlib.nullcontext()


class BarProgress:
    """Shows a bar for each body."""

    def watch(self, part: Part, label: str) -> Part:
        """Wrap the part so that its writes move a bar."""
        return MeteredPart(part, label)

    def leave(self, part: Part) -> None:
        """Remove the bar at the end of the body."""
        if isinstance(part, MeteredPart):
            part.close()

    @contextlib.contextmanager
    def waiting(self, effect: Wait, label: str) -> Iterator[None]:
        """Show the wait in place of a bar, unless it is too short to read."""
        bar = None
        if effect.duration.total_seconds() >= _QUIET_SECONDS:
            with contextlib.suppress(*_UNSHOWABLE):
                bar = _bar_class()(
                    total=0, desc=f'{label}: {show_effect(effect)}', bar_format='{desc}',
                    file=sys.stderr, leave=False, **_size(),
                )  # fmt: skip
        try:
            yield
        finally:
            with contextlib.suppress(*_UNSHOWABLE):
                if bar is not None:
                    bar.close()


class MeteredPart:
    """A part whose writes move a progress bar."""

    def __init__(self, part: Part, label: str) -> None:
        """Wrap a part; the bar appears when the body begins."""
        self._part = part
        self._label = label
        self._bar: Any = None
        self._moving = Lock()

    @property
    def size_bytes(self) -> int:
        """The number of bytes in the part."""
        return self._part.size_bytes

    @property
    def buffer(self) -> BytesIO | None:
        """The buffer that was published to memory."""
        return self._part.buffer

    def begin(self, taking: StoreBody) -> None:
        """Show a bar with the expected length."""
        self._part.begin(taking)
        self.close()
        total = None if taking.wire_bytes is None else taking.offset + taking.wire_bytes
        self._show(taking.whole_bytes or total, taking.offset + count_bytes(taking.held))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write to the part and move the bar."""
        self._part.write(data)
        self.move(len(data))

    def move(self, count: int) -> None:
        """Move the bar by `count` bytes; from any thread."""
        with self._moving, contextlib.suppress(*_UNSHOWABLE):
            if self._bar is not None:
                self._bar.update(count)

    def split(self, effect: ExchangeSegments) -> Sequence[Sink]:
        """Show one bar for all segments."""
        sinks = self._part.split(effect)
        self.close()
        self._show(effect.whole_bytes, count_bytes(effect.held))
        return [MeteredSegment(sink, self) for sink in sinks]

    def close_segments(self) -> None:
        """Close the segments of the part."""
        self._part.close_segments()

    def reassemble(self, effect: Reassemble, check: Callable[[], None] = lambda: None) -> Received:
        """Reassemble the part."""
        return self._part.reassemble(effect, check)

    def finish(self) -> Received:
        """Finish the part."""
        return self._part.finish()

    def view(self) -> BinaryIO:
        """The bytes of the part, to read."""
        return self._part.view()

    def publish(self, effect: Publish) -> Published | NameTaken | EffectFailed:
        """Publish the part."""
        return self._part.publish(effect)

    def discard(self, effect: Discard) -> Discarded:
        """Discard the part."""
        return self._part.discard(effect)

    def close(self) -> None:
        """Remove the bar."""
        with self._moving, contextlib.suppress(*_UNSHOWABLE):
            bar, self._bar = self._bar, None
            if bar is not None:
                bar.close()

    def _show(self, total: int | None, initial: int) -> None:
        with contextlib.suppress(*_UNSHOWABLE):
            self._bar = _bar_class()(
                total=total, initial=initial, desc=self._label, unit='B', unit_scale=True,
                unit_divisor=1024, file=sys.stderr, leave=False, **_size(),
                delay=_QUIET_SECONDS,
            )  # fmt: skip


class MeteredSegment:
    """A segment whose writes move the bar of its part."""

    def __init__(self, sink: Sink, meter: MeteredPart) -> None:
        """Wrap a segment of this part."""
        self._sink = sink
        self._meter = meter

    @property
    def size_bytes(self) -> int:
        """The number of bytes in the segment."""
        return self._sink.size_bytes

    def begin(self, taking: StoreBody) -> None:
        """Begin the body of the segment."""
        self._sink.begin(taking)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write to the segment and move the bar."""
        self._sink.write(data)
        self._meter.move(len(data))

    def finish(self) -> Received:
        """Finish the segment."""
        return self._sink.finish()


def _size() -> dict[str, Any]:
    # On a terminal that reports 0 columns, tqdm would draw nothing.
    try:
        is_unknown = os.get_terminal_size(sys.stderr.fileno()).columns == 0
    except _UNSHOWABLE:
        is_unknown = False
    return dict(_USUAL_SIZE) if is_unknown else {'dynamic_ncols': True}


def _bar_class() -> Any:
    # All bars must share the lock of one class; a second class would draw over them. The class is
    # created under a lock because `cache` may call the function in two threads at once.
    with _MAKING:
        return _make_bar_class()


_MAKING: Final = Lock()


@cache
def _make_bar_class() -> Any:
    from tqdm.auto import tqdm

    # tqdm's own class uses a multiprocessing lock and a monitor thread. This subclass
    # needs neither, and does not affect the user's bars.
    kind: Any = type('Bar', (tqdm,), {'monitor_interval': 0})
    kind.set_lock(RLock())
    return kind


def make_progress(*, is_wanted: bool) -> NoProgress | BarProgress:
    """Progress bars if stderr can show them."""
    return BarProgress() if is_wanted and is_seen() else NoProgress()


def is_seen() -> bool:
    """Whether stderr is a terminal that can draw, or output is shown in a notebook."""
    if os.environ.get('CI', '').lower() not in _NOT_SET or os.environ.get('TERM') == 'dumb':
        return False
    # A notebook's kernel has already loaded this; its stderr is not a terminal.
    is_notebook = 'ipykernel' in sys.modules
    return is_notebook or bool(getattr(sys.stderr, 'isatty', bool)())
