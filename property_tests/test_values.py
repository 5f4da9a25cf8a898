"""Small pure functions: names, versions, waits, destinations, parsers."""

import unicodedata
from datetime import datetime, timedelta
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from dlmachine.core.cache.entries import CacheEntry
from dlmachine.core.cache.freshness import build_condition, choose_version, recorded_digest
from dlmachine.core.decision.part_location import part_place, part_stem
from dlmachine.core.faults import DestinationUnusable, Fault
from dlmachine.core.faults.printing import printable
from dlmachine.core.http.body import parse_json, parse_multipart, parse_pairs
from dlmachine.core.http.filename import extension, is_reserved_name, name_content, safe_name
from dlmachine.core.http.framing import content_length
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.integrity.checksum import Checksum
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.expectation import Expectation
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import (
    AtPath,
    Auto,
    InCache,
    InFolder,
    InMemory,
    PathKind,
    PathSeen,
    ToMemory,
    ToPath,
    Wanted,
    ends_in_separator,
    parse_destination,
    resolve_destination,
)
from dlmachine.core.spec.option_table import OPTIONS
from dlmachine.core.spec.options import parse_policy
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.policy_checks import find_policy_fault
from dlmachine.core.spec.reuse import CheckMethod, Window
from dlmachine.core.transfer.read_response import decide_body
from dlmachine.core.transfer.retry import backoff, classify, jitter, parse_retry_after
from property_tests import strategies as of

RESERVED = {
    'con',
    'prn',
    'aux',
    'nul',
    *(f'{port}{n}' for port in ('com', 'lpt') for n in range(10)),
}
long_names = st.text(st.sampled_from('aé𐍈. con/\\"\x00*\u202e\x85'), max_size=300)


@given(of.any_text | long_names)
@example('con' + ' ' * 250 + 'x')
@example('a' * 199 + ' ' + 'b' * 50)
@example('nul.' + 'x' * 300)
@example('x.' + 'a' * 14 + ' ' + 'b' * 250)
def test_safe_names_are_safe(text: str) -> None:
    """One segment of at most 200 bytes, without control characters, not reserved; idempotent."""
    name = safe_name(text)
    if name is None:
        return
    assert name not in {'', '.', '..'}
    assert not name.startswith('-')
    assert not is_reserved_name(name)
    assert not set('/\\<>:"|?*') & set(name)
    assert 0 < len(name.encode('utf-8')) <= 200
    assert not any(unicodedata.category(letter) in {'Cc', 'Cs'} for letter in name)
    assert name.partition('.')[0].lower() not in RESERVED
    assert name == name.strip(' ').rstrip('. ')
    assert safe_name(name) == name


@given(of.heads(), of.urls | of.any_text)
def test_content_always_has_a_safe_name(head: ResponseHead, url: str) -> None:
    """Any response and URL give a safe name, whose extension is short and plain."""
    name = name_content(head.headers, url)
    assert safe_name(name) == name
    ext = extension(name)
    assert ext is None or (
        ext.replace('.', '').replace('-', '').replace('_', '').isalnum() and ext.isascii()
    )


@given(st.lists(of.entries, max_size=6), of.windows, st.none() | of.checksums)
def test_only_usable_versions_inside_the_window_are_chosen(
    seen: list[CacheEntry], window: Window, checksum: Checksum | None
) -> None:
    """Only READY, complete versions in the window with a matching digest; none is newer."""
    chosen = choose_version(seen, Policy(window=window, checksum=checksum))
    fitting = [
        entry for entry in seen
        if entry.is_usable and window.holds(entry.stored_at)
        and (checksum is None or recorded_digest(entry.record, checksum) in {None, checksum.hex})
    ]  # fmt: skip
    assert (chosen is None) == (not fitting)
    assert chosen is None or all(entry.stored_at <= chosen.stored_at for entry in fitting)
    assert chosen is None or chosen in fitting


@given(of.entries, st.sampled_from(CheckMethod))
def test_conditions_never_replace_each_other(entry: CacheEntry, method: CheckMethod) -> None:
    """A method sends only its own headers; size and hash send none."""
    names = {name for name, _ in build_condition(entry, method).headers}
    allowed = {
        CheckMethod.AUTO: {'If-None-Match', 'If-Modified-Since'},
        CheckMethod.ETAG: {'If-None-Match'},
        CheckMethod.MODIFIED: {'If-Modified-Since'},
    }
    assert names <= allowed.get(method, set())


@given(
    of.policies(), st.integers(-3, 5_000), st.floats(0, 1, exclude_max=True), st.integers(0, 100)
)
def test_waits_stay_within_bounds(policy: Policy, number: int, chance: float, draw: int) -> None:
    """A wait is never negative, nor longer than `retry_max_wait`; draws lie in [0, 1).

    With `retry_delay` each wait is that.
    """
    drawn = jitter(chance, draw)
    assert 0 <= drawn < 1
    wait = backoff(policy, number, drawn)
    if policy.retry_delay is not None:
        assert wait == policy.retry_delay
        return
    assert timedelta(0) <= wait <= policy.retry_max_wait
    assert backoff(policy, 1, drawn) <= max(policy.retry_wait, timedelta(microseconds=1))


@given(of.faults, st.sampled_from(['GET', 'POST', 'PUT', 'PATCH']), of.policies())
def test_every_fault_is_classified_and_explained(fault: Fault, method: str, policy: Policy) -> None:
    """Each fault is classified, and has a message without control characters."""
    assert classify(fault, method, policy) is not None
    assert str(fault).startswith(printable(fault.what()))
    assert printable(fault.remedy()) in str(fault)


@given(of.heads(), of.instants)
def test_retry_after_is_never_negative(head: ResponseHead, at: datetime) -> None:
    """Any Retry-After gives None or a duration from now on."""
    asked = parse_retry_after(head, at)
    assert asked is None or timedelta(0) <= asked


@given(
    of.heads(),
    st.integers(0, 8),
    st.sampled_from([None, '"v1"', '"v2"']),
    st.none() | st.integers(0, 10),
)
def test_every_head_is_decided_about(
    head: ResponseHead, offset: int, validator: str | None, limit: int | None
) -> None:
    """A body is stored only at the requested offset, and never beyond the limit."""
    expect = Expectation(offset=offset, validator=validator, max_bytes=limit)
    second = timedelta(seconds=1)
    exchange = Exchange(
        request=Request(method='GET', url='http://h/'), backend='requests', expect=expect,
        connect_timeout=second, stall_timeout=second,
    )  # fmt: skip
    decision = decide_body(exchange, head)
    taken = getattr(decision, 'offset', None)
    assert taken in {None, 0, offset}
    promised = getattr(decision, 'wire_bytes', None)
    assert promised is None or limit is None or promised <= limit
    length = content_length(head)
    assert length is None or length >= 0


@given(
    of.wanted,
    st.none() | st.just('/cache'),
    st.none()
    | st.builds(PathSeen, kind=st.sampled_from(PathKind), blocker=st.none() | st.just('/b')),
)
def test_the_destination_table(wanted: Wanted, cache: str | None, seen: PathSeen | None) -> None:
    """A path is used or refused; auto is the cache if there is one, otherwise memory."""
    made = resolve_destination(wanted, cache, seen)
    match wanted:
        case Auto():
            assert made == (InMemory() if cache is None else InCache(cache))
        case ToMemory():
            assert made == InMemory()
        case ToPath(path=path):
            kind = PathKind.MISSING if seen is None else seen.kind
            bad_file = kind is PathKind.FILE and ends_in_separator(path)
            if kind is PathKind.OTHER or bad_file or (seen is not None and seen.blocker):
                assert isinstance(made, DestinationUnusable)
            elif kind is PathKind.FOLDER or ends_in_separator(path):
                assert made == InFolder(path)
            else:
                assert made == AtPath(path)


@given(
    st.text(min_size=1, max_size=200).filter(lambda text: is_successful(parse_destination(text))),
    st.booleans(),
)
def test_parts_lie_beside_and_have_short_names(path: str, is_folder: bool) -> None:
    """The stem of a part leaves room for suffixes, in any script."""
    assert part_place(ToPath(path), '/cache', is_folder=is_folder) is not None
    stem = part_stem('ab' * 32, ToPath(path))
    assert len(stem.encode()) <= 32 + 1 + 64
    assert '/' not in stem


anything = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | of.any_text
    | st.binary(max_size=4)
    | st.timedeltas()
    | st.datetimes()
    | st.dates()
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(of.any_text, of.any_text, max_size=2)
)


@given(st.sampled_from(sorted(OPTIONS)), anything)
def test_options_are_read_or_refused(name: str, value: Any) -> None:
    """No value of an option raises; an accepted value gives a valid policy."""
    read = parse_policy({name: value})
    if is_successful(read):
        assert find_policy_fault(read.unwrap()) is None
    else:
        assert str(read.failure())


@given(anything | of.urls, anything, anything, anything, anything | st.lists(anything, max_size=2))
def test_descriptors_are_read_or_refused(
    url: Any, query: Any, json: Any, multipart: Any, rest: Any
) -> None:
    """Any arguments give a descriptor in normal form, or a fault that names the argument."""
    read = Descriptor.parse(
        url, query=query, json=json, multipart=multipart, headers=rest, mirrors=rest
    )
    assert is_successful(read) or read.failure().code == 'invalid_input'
    for parsed in (
        parse_pairs(rest, 'query'),
        parse_json(rest, 'json'),
        parse_multipart(rest),
        parse_destination(rest),
    ):
        assert is_successful(parsed) or parsed.failure().code == 'invalid_input'
