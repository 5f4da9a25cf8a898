"""Find a shorter tape that breaks the same invariant."""

from collections.abc import Callable

from property_tests.simulation.run import play

#: The maximum number of runs.
MAX_RUNS = 3_000


def shrink(tape: bytes, broken: str | None = None) -> bytes:
    """Drop chunks and lower bytes, as long as the run breaks in the same way."""
    kind = _kind(broken if broken is not None else play(tape).broken)
    budget = [MAX_RUNS]

    def breaks(candidate: bytes) -> bool:
        budget[0] -= 1
        return budget[0] > 0 and _kind(play(candidate).broken) == kind

    tape = tape.rstrip(b'\0')
    while True:
        shorter = _zero_bytes(_drop_chunks(tape, breaks), breaks)
        shorter = _lower_bytes(shorter, breaks).rstrip(b'\0')
        if shorter == tape or budget[0] <= 0:
            return shorter
        tape = shorter


def _kind(broken: str | None) -> str:
    # Without the parts that differ from run to run: names of processes, contents, sizes.
    text = broken or ''
    return ''.join(char for char in text.split(' holds ')[0] if not char.isdigit())[:60]


def _drop_chunks(tape: bytes, breaks: Callable[[bytes], bool]) -> bytes:
    size = max(len(tape) // 2, 1)
    while size:
        at = 0
        while at < len(tape):
            shorter = tape[:at] + tape[at + size :]
            if breaks(shorter):
                tape = shorter
            else:
                at += size
        size //= 2
    return tape


def _zero_bytes(tape: bytes, breaks: Callable[[bytes], bool]) -> bytes:
    for size in (16, 4, 1):
        for at in range(0, len(tape), size):
            zeroed = tape[:at] + bytes(len(tape[at : at + size])) + tape[at + size :]
            if zeroed != tape and breaks(zeroed):
                tape = zeroed
    return tape


def _lower_bytes(tape: bytes, breaks: Callable[[bytes], bool]) -> bytes:
    for at in range(len(tape)):
        for value in (1, 2, 3, tape[at] // 2, tape[at] - 1):
            if 0 < value < tape[at]:
                lower = tape[:at] + bytes([value]) + tape[at + 1 :]
                if breaks(lower):
                    tape = lower
                    break
    return tape
