"""Progress bars, by tqdm, on stderr.

Contract: implements `ports.Progress`. A bar is shown on a terminal or in a notebook only;
elsewhere, and where it is not wanted, nothing is loaded and nothing is counted.
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

#: What is over sooner shows no bar.
_QUIET_SECONDS: Final = 0.5
_USUAL_SIZE: Final = {'ncols': 80, 'nrows': 24}
_NOT_SET: Final = frozenset({'', '0', 'false', 'no', 'off'})
#: A closed or unwritable stderr must not fail a download.
_UNSHOWABLE: Final = (OSError, ValueError)


class NoProgress:
    """Shows nothing."""

    def watch(self, part: Part, label: str) -> Part:
        """The part as it is."""
        return part

    def leave(self, part: Part) -> None:
        """Nothing to end."""

    def waiting(self, effect: Wait, label: str) -> AbstractContextManager[None]:
        """Show nothing."""
        return contextlib.nullcontext()


class BarProgress:
    """Shows a bar for each body."""

    def watch(self, part: Part, label: str) -> Part:
        """The part, with a bar that follows it."""
        return MeteredPart(part, label)

    def leave(self, part: Part) -> None:
        """The body ended, well or not."""
        if isinstance(part, MeteredPart):
            part.close()

    @contextlib.contextmanager
    def waiting(self, effect: Wait, label: str) -> Iterator[None]:
        """Show a line in place of a bar, unless the wait is too short to read it."""
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
    """A part that moves a bar."""

    def __init__(self, part: Part, label: str) -> None:
        """No bar before there is a body."""
        self._part = part
        self._label = label
        self._bar: Any = None
        self._moving = Lock()

    @property
    def size_bytes(self) -> int:
        """How many bytes it holds."""
        return self._part.size_bytes

    @property
    def buffer(self) -> BytesIO | None:
        """The buffer, after it was published to memory."""
        return self._part.buffer

    def begin(self, taking: StoreBody) -> None:
        """Show a bar of the length that was promised."""
        self._part.begin(taking)
        self.close()
        total = None if taking.wire_bytes is None else taking.offset + taking.wire_bytes
        self._show(taking.whole_bytes or total, taking.offset + count_bytes(taking.held))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Pass it on, then move the bar."""
        self._part.write(data)
        self.move(len(data))

    def move(self, count: int) -> None:
        """So many bytes more; from any thread."""
        with self._moving, contextlib.suppress(*_UNSHOWABLE):
            if self._bar is not None:
                self._bar.update(count)

    def split(self, effect: ExchangeSegments) -> Sequence[Sink]:
        """One bar for all segments."""
        sinks = self._part.split(effect)
        self.close()
        self._show(effect.whole_bytes, count_bytes(effect.held))
        return [MeteredSegment(sink, self) for sink in sinks]

    def close_segments(self) -> None:
        """Pass it on."""
        self._part.close_segments()

    def reassemble(self, effect: Reassemble, check: Callable[[], None] = lambda: None) -> Received:
        """Pass it on."""
        return self._part.reassemble(effect, check)

    def finish(self) -> Received:
        """Pass it on."""
        return self._part.finish()

    def view(self) -> BinaryIO:
        """Pass it on."""
        return self._part.view()

    def publish(self, effect: Publish) -> Published | NameTaken | EffectFailed:
        """Pass it on."""
        return self._part.publish(effect)

    def discard(self, effect: Discard) -> Discarded:
        """Pass it on."""
        return self._part.discard(effect)

    def close(self) -> None:
        """Take the bar away."""
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
    """A segment that moves the bar of its part."""

    def __init__(self, sink: Sink, meter: MeteredPart) -> None:
        """Follow this one."""
        self._sink = sink
        self._meter = meter

    @property
    def size_bytes(self) -> int:
        """How many bytes it holds."""
        return self._sink.size_bytes

    def begin(self, taking: StoreBody) -> None:
        """Pass it on."""
        self._sink.begin(taking)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Pass it on, then move the bar."""
        self._sink.write(data)
        self._meter.move(len(data))

    def finish(self) -> Received:
        """Pass it on."""
        return self._sink.finish()


def _size() -> dict[str, Any]:
    # tqdm would draw nothing on a terminal that does not know its size, and says 0.
    try:
        is_unknown = os.get_terminal_size(sys.stderr.fileno()).columns == 0
    except _UNSHOWABLE:
        is_unknown = False
    return dict(_USUAL_SIZE) if is_unknown else {'dynamic_ncols': True}


def _bar_class() -> Any:
    # All bars share the lock of one class, and a second class would draw over them. So the class is
    # created under a lock: two threads may come here at once, and a cache would let both through.
    with _MAKING:
        return _make_bar_class()


_MAKING: Final = Lock()


@cache
def _make_bar_class() -> Any:
    from tqdm.auto import tqdm

    # tqdm's own lock is one of multiprocessing, and it starts a thread to watch its bars;
    # a class of our own needs neither, and leaves the user's bars alone.
    kind: Any = type('Bar', (tqdm,), {'monitor_interval': 0})
    kind.set_lock(RLock())
    return kind


def make_progress(*, is_wanted: bool) -> NoProgress | BarProgress:
    """Bars where somebody can see them."""
    return BarProgress() if is_wanted and is_seen() else NoProgress()


def is_seen() -> bool:
    """Whether stderr is a terminal that can draw, or a notebook shows what is printed."""
    if os.environ.get('CI', '').lower() not in _NOT_SET or os.environ.get('TERM') == 'dumb':
        return False
    # A notebook's kernel has loaded this already; its stderr is no terminal.
    is_notebook = 'ipykernel' in sys.modules
    return is_notebook or bool(getattr(sys.stderr, 'isatty', bool)())
