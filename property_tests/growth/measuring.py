"""Measure the processor time of a call, and whether it grows faster than its input.

Processor time does not depend on other programs, as wall time does. A call that is fast with the
largest input passes without a comparison of times, so that noise cannot make a test fail. A call
that does not end is interrupted.
"""

import gc
import signal
from collections.abc import Callable
from math import inf
from statistics import median
from time import thread_time
from types import FrameType
from typing import Final

#: Calls before the measured one, which create the arguments.
Call = Callable[[str], Callable[[], object]]
#: The maximum processor time of one call with the largest input, in seconds.
CAP: Final = 0.2
#: If the largest input takes less time, growth is not checked.
_JUDGED: Final = 0.02
#: The maximum growth for an input four times as large; quadratic growth is sixteenfold.
_GROWTH: Final = 9.0
#: The maximum number of repeated measurements after a failure.
_AGAIN: Final = 5
_TIMES: Final = 4
#: The time of the loop in `slowness` on the machine for which the cap is set, in seconds.
_REFERENCE: Final = 0.04


class _CutOff(BaseException):
    """The call took too long; not an Exception, so that no code in between catches it."""


def seconds_of(call: Call, text: str, budget: float = 3 * CAP) -> float:
    """The processor time of one call; infinite if it exceeds the budget, or the recursion limit.

    Other exceptions of the call are ignored.
    """

    def cut(number: int, frame: FrameType | None) -> None:
        raise _CutOff

    made = call(text)
    before = signal.signal(signal.SIGVTALRM, cut)
    was_enabled = gc.isenabled()
    gc.disable()
    # While the timer runs, the process clock advances in steps of 4 ms; the thread clock does not.
    began = thread_time()
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, budget)
        try:
            made()
        except (RecursionError, MemoryError):
            return inf
        except Exception:  # noqa: BLE001 -- as the docstring says
            pass
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        return thread_time() - began
    except _CutOff:
        return inf
    finally:
        signal.signal(signal.SIGVTALRM, before)
        if was_enabled:
            gc.enable()


def find_growth(call: Call, grown: Callable[[int], str], most: int, cap: float = CAP) -> str | None:
    """Describe a problem with the growth of a call's time, up to inputs of this size; or None."""
    text, quarter = grown(most), grown(most // 4)
    large = _least(call, text, cap, _JUDGED)
    if large >= cap:
        # The same work takes longer if other programs use the same processor.
        large = min(_least(call, text, cap * slowness()) / slowness() for _ in range(_AGAIN))
        if large >= cap:
            return f'takes {large:.2f} s of processor time for {most:,} characters'
    if large < _JUDGED:
        return None
    ratio = large / _usual(call, quarter, cap)
    for _ in range(_AGAIN):
        if ratio < _GROWTH:
            return None
        # A busy machine may have slowed one of the two measurements.
        ratio = _least(call, text, cap) / _usual(call, quarter, cap)
    if ratio < _GROWTH:
        return None
    return (
        f'takes {large:.3f} s for {most:,} characters, {ratio:.0f} times as long as for a quarter'
    )


def slowness() -> float:
    """How many times slower this computer is now than the one of the cap; at least 1."""
    return max(1.0, min(_seconds_of_a_loop() for _ in range(5)) / _REFERENCE)


def _seconds_of_a_loop() -> float:
    began, total = thread_time(), 0
    for number in range(300_000):
        total += len(str(number))
    return thread_time() - began


def _least(call: Call, text: str, cap: float, is_enough: float = 0.0) -> float:
    least = inf
    for _ in range(_TIMES):
        least = min(least, seconds_of(call, text, 3 * cap))
        if least < is_enough or least == inf:
            break
    return least


def _usual(call: Call, text: str, cap: float) -> float:
    # Not the minimum, because the clock of a virtual machine may report zero.
    return max(median(seconds_of(call, text, 3 * cap) for _ in range(_TIMES + 1)), 1e-6)
