"""Mistakes planted in the rules of freshness, which the simulation must find."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from dlmachine.core.cache import http_reuse
from dlmachine.core.caching import freshness, variants
from dlmachine.core.caching.reuse import Reuse
from dlmachine.core.decision import decide
from dlmachine.core.frozen import replace
from dlmachine.core.machine import commit, exchange, finish, recording
from dlmachine.core.spec.policy import Policy
from dlmachine.core.transfer import next_exchange, provenance


@contextmanager
def _planted(*patches: Any) -> Iterator[None]:
    # The response on a record is remembered.
    http_reuse._response_of.cache_clear()
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()
        http_reuse._response_of.cache_clear()


def ignoring_age() -> Any:
    """A copy is as young as on its first day."""
    return _planted(patch.object(freshness.Assessment, 'at', lambda self, _: self))


def ignoring_age_fields() -> Any:
    """The time that a response spent in other caches does not count."""
    return _planted(patch.object(freshness, '_age_value', lambda _: 0))


def ignoring_vary() -> Any:
    """A copy answers requests with other fields."""
    return _planted(patch.object(http_reuse, 'is_selected', lambda *_: True))


def ignoring_any() -> Any:
    """`Vary: *` is read as a name that requests do not have."""
    return _planted(patch.object(variants, 'vary_names', lambda _: ()))


def storing_everything() -> Any:
    """A response that says no-store is used for other requests."""
    return _planted(
        patch.object(http_reuse, 'why_not_stored', lambda *_: None),
        patch.object(provenance, 'why_not_stored', lambda *_: None),
    )


def confirming_by_size() -> Any:
    """A new response is not received if it has the size of the copy."""
    return _planted(patch.object(next_exchange, 'Freshness', SimpleNamespace(HTTP=None)))


def using_for_others() -> Any:
    """A response that says no-store is used with another freshness."""
    return _planted(patch.object(decide, 'without_single_use', lambda copies: copies))


def comparing_backwards() -> Any:
    """A copy is fresh if its lifetime is shorter than its age."""
    wrong = property(lambda found: found.lifetime.seconds <= found.age)
    return _planted(patch.object(freshness.Assessment, 'is_fresh', wrong))


def confirming_another() -> Any:
    """A 304 confirms the oldest copy, of whatever variant."""
    confirm: Any = vars(exchange)['confirm_version']

    def mixed(state: Any, entry: Any, *more: Any) -> Any:
        cache = state.job.snapshot.cache
        usable = [] if cache is None else [one for one in cache.entries if one.is_usable]
        oldest = min(usable, key=lambda one: one.stored_at, default=entry)
        return confirm(state, oldest, *more)

    return _planted(patch.object(exchange, 'confirm_version', mixed))


def using_stale_copies() -> Any:
    """A copy that may be used after an error is used without one."""
    judge: Any = vars(decide)['judge_copy']

    def lax(entry: Any, descriptor: Any, now: Any) -> Any:
        found = judge(entry, descriptor, now)
        may = http_reuse.is_last_resort(entry, descriptor, Policy(), now, is_wanted=True)
        return replace(found, reuse=Reuse.STALE) if may else found

    return _planted(patch.object(decide, 'judge_copy', lax))


def allowing_all_errors() -> Any:
    """A copy is used after an error, although its server forbids that."""
    return _planted(patch.object(finish, 'is_last_resort', lambda *_, **__: True))


def believing_clocks() -> Any:
    """A copy that was stored later than now is new, until the clock has caught up."""
    return _planted(patch.object(freshness, 'MAX_SKEW', 1 << 31))


def believing_what_is_not_stored() -> Any:
    """A response that must not be stored ends the use of copies until the clock has caught up."""
    return _planted(patch.object(http_reuse, 'MAX_SKEW', 1 << 31))


def never_updating() -> Any:
    """A 304 does not update the record."""
    return _planted(patch.object(recording, 'freshen_record', lambda record, *_: record))


def removing_variants() -> Any:
    """A new copy replaces those of other variants."""
    return _planted(patch.object(commit, 'of_variant', lambda copies, *_: copies))


def scene(
    profile: int,
    *,
    first: int = 0,
    second: int | None = None,
    favourite: int = 0,
    retries: int = 0,
    replaces: bool = False,
    method: int = 0,
) -> bytes:
    """The beginning of tapes on which copies are used by the rules of HTTP.

    `first` and `second` are the languages of two targets; the second one `replaces` old copies.
    `method` is how copies are compared: 5 by size.
    """
    made = bytearray(33 if second is None else 53)
    made[6], made[11], made[13], made[14] = 4 * profile, favourite, 2, 3
    made[18], made[20], made[26] = method, 3 - retries, 4 + 8 * first
    if second is not None:
        made[34], made[36], made[46] = 1, 3 * replaces, 4 + 8 * second
    return bytes(made)


def other_scene(profile: int) -> bytes:
    """The same with a second target that uses any stored copy."""
    made = bytearray(scene(profile, second=0))
    made[46] = 0
    return bytes(made)


def ranged_scene() -> bytes:
    """A response to a range, which must not be stored, from before the clock is set back."""
    tape = '000000000000b4000000000000000000000000000000000000000c00000000010000b40001ea01'
    return bytes.fromhex(tape)


#: Each mistake, with the beginning of tapes in which it matters.
REUSE_MUTANTS: Final[dict[str, tuple[Callable[[], AbstractContextManager[Any]], bytes]]] = {
    'ignores the age': (ignoring_age, scene(1, favourite=10)),
    'ignores Age': (ignoring_age_fields, scene(20)),
    'ignores Vary': (ignoring_vary, scene(9, first=1, second=2)),
    'reads any field as none': (ignoring_any, scene(13)),
    'uses what must not be stored': (storing_everything, scene(2)),
    'uses for others what was for one request': (using_for_others, other_scene(2)),
    'compares the lifetime the wrong way': (comparing_backwards, scene(1, favourite=10)),
    'confirms a copy of another variant': (confirming_another, scene(12, first=1, second=2)),
    'uses stale copies without an error': (using_stale_copies, scene(5)),
    'uses any stale copy after an error': (allowing_all_errors, scene(4)),
    'believes a clock that was set back': (believing_clocks, scene(1, favourite=9)),
    'believes the date of what must not be stored': (believing_what_is_not_stored, ranged_scene()),
    'does not update after a 304': (never_updating, scene(1)),
    'confirms by size': (confirming_by_size, scene(0, method=5)),
    'removes other variants': (removing_variants, scene(9, first=1, second=2, replaces=True)),
}
