"""Policies."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.spec.destination import Auto, ToMemory, ToPath, Wanted
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import CheckMethod, Extract, Freshness, IfExists, Window
from property_tests.strategies.basics import DIGESTS, durations, instants

#: Destinations as a caller wants them.
wanted: st.SearchStrategy[Wanted] = st.sampled_from(
    [Auto(), Auto(), ToMemory(), ToPath('/data/x.gz'), ToPath('/data/')]
)
#: Expected checksums.
checksums = st.sampled_from(
    [Checksum('sha256', digest) for digest in DIGESTS] + [Checksum('md5', 'ab' * 16)]
)
#: Checksum files, local and remote.
lists = st.sampled_from(
    [
        ChecksumList('SHA256SUMS'),
        ChecksumList('https://example.org/SHA256SUMS?token=s3cret-list'),
        ChecksumList('https://elsewhere.example/t.csv.md5'),
    ]
)
#: Date windows, empty ones too.
windows = st.builds(Window, newer_than=st.none() | instants, older_than=st.none() | instants)
#: Windows with ages.
ends = st.none() | instants | st.timedeltas(timedelta(0), timedelta.max)
aged_windows = st.builds(Window, newer_than=ends, older_than=ends)


def policies(**fixed: Any) -> st.SearchStrategy[Policy]:
    """Valid policies, with few retries and redirects."""
    drawn: dict[str, st.SearchStrategy[Any]] = {
        'dest': wanted,
        'backend': st.sampled_from(['requests', 'requests', 'curl']),
        'freshness': st.sampled_from([None, None, *Freshness, timedelta(0), timedelta(days=7)]),
        'if_exists': st.sampled_from([None, None, *IfExists]),
        'extract': st.sampled_from([*[None] * 6, Extract(), Extract(into='t')]),
        'check_freshness': st.booleans(),
        'check_method': st.sampled_from(CheckMethod),
        'force_download': st.booleans(),
        'window': st.just(Window()) | windows | aged_windows,
        'keep_old': st.booleans(),
        'offline': st.sampled_from([False, False, False, True]),
        'retries': st.integers(0, 2),
        'retry_wait': durations,
        'retry_max_wait': durations,
        'retry_after_max': durations,
        'retry_delay': st.none() | st.none() | durations,
        'retry_max_time': st.none() | st.none() | durations,
        'retry_all_errors': st.sampled_from([False, False, True]),
        'idempotent': st.booleans(),
        'timeout': st.none() | st.timedeltas(timedelta(seconds=1), timedelta(hours=1)),
        'max_bytes': st.none() | st.integers(0, 100),
        'max_redirects': st.integers(0, 3),
        'segments': st.sampled_from([1, 1, 0, 2, 16]),
        'checksum': st.none() | checksums,
        'checksum_file': st.none() | st.none() | lists,
        'min_bytes': st.none() | st.integers(0, 100),
        'check_content': st.booleans(),
        'http2': st.booleans(),
        'validate': st.none() | st.just(bool),
        'stale_if_error': st.booleans(),
        'create_dirs': st.sampled_from([True, True, False]),
    }
    return st.builds(
        Policy,
        **{name: made for name, made in drawn.items() if name not in fixed},
        **{name: st.just(value) for name, value in fixed.items()},
    ).map(_sensible)


def _sensible(policy: Policy) -> Policy:
    # At most one expected digest, min_bytes below max_bytes, and one word about freshness.
    least, most = policy.min_bytes, policy.max_bytes
    return replace(
        policy,
        freshness=None if policy.check_freshness else policy.freshness,
        checksum_file=policy.checksum_file if policy.checksum is None else None,
        min_bytes=min(least, most) if least is not None and most is not None else least,
    )
