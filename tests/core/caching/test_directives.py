"""Cache-Control: repeated, quoted and malformed directives."""

from typing import Any

import pytest

from dlmachine.core.caching.directives import MAX_SECONDS, Directives, directives_of
from dlmachine.core.http.headers import Headers

#: What the field says, and what it means.
CASES: list[tuple[str | tuple[str, ...], dict[str, Any]]] = [
    ('', {}),
    (',, ,', {}),
    ('max-age=3600', {'max_age': 3600}),
    ('MaX-aGe=3600', {'max_age': 3600}),
    ('max-age="3600"', {'max_age': 3600}),
    (r'max-age="36\00"', {'max_age': 3600}),
    ('max-age=003600', {'max_age': 3600}),
    ('foobar, max-age=3600', {'max_age': 3600}),
    ("max-age='3600'", {'max_age': 0}),
    ('max-age=-3600', {'max_age': 0}),
    ('max-age=3600.0', {'max_age': 0}),
    ('max-age=a3600', {'max_age': 0}),
    ('max-age=3600a', {'max_age': 0}),
    ('max-age =3600', {'max_age': 0}),
    ('max-age= 3600', {'max_age': 0}),
    ('max-age', {'max_age': 0}),
    ('max-age="3600', {'max_age': 0}),
    ('max-age=٣', {'max_age': 0}),
    ('max-age=00000000003600', {'max_age': 3600}),
    ('max-age=1000000000', {'max_age': 1_000_000_000}),
    ('max-age=2147483648', {'max_age': MAX_SECONDS}),
    ('max-age=99999999999', {'max_age': MAX_SECONDS}),
    ('max-age=1' + '0' * 5000, {'max_age': MAX_SECONDS}),
    # The first of several counts, also over several fields.
    ('max-age=1, max-age=1800', {'max_age': 1}),
    (('max-age=1800', 'max-age=1'), {'max_age': 1800}),
    ('s-maxage=3600, max-age=1', {'max_age': 1}),
    # Spaces around a comma do not count, but within a directive they do.
    ('max-age=60 , max-age=1', {'max_age': 60}),
    ('max-age=60\t', {'max_age': 60}),
    ('max-age= 60', {'max_age': 0}),
    ('max-age =60', {'max_age': 0}),
    ('max-stale=5 ,min-fresh="6" ', {'max_stale': 5, 'min_fresh': 6}),
    # What is in a quoted string is not a directive.
    ('extension="max-age=3600", max-age=1', {'max_age': 1}),
    ('max-age=1, extension="max-age=3600, no-store"', {'max_age': 1}),
    (r'x="a\", no-store, b", max-age=1', {'max_age': 1}),
    ('No-StOrE', {'no_store': True}),
    ('no-store=1', {'no_store': True}),
    ('no-cache', {'no_cache': True}),
    ('no-cache=""', {'no_cache': True}),
    ('no-cache="A, b"', {'no_cache_fields': ('a', 'b')}),
    ('no-cache=a', {'no_cache_fields': ('a',)}),
    ('no-cache="a", no-cache', {'no_cache': True, 'no_cache_fields': ('a',)}),
    ('private="a", public', {'is_private': True, 'is_public': True}),
    ('Immutable', {'is_immutable': True}),
    ('must-revalidate, must-understand', {'must_revalidate': True, 'must_understand': True}),
    ('only-if-cached', {'only_if_cached': True}),
    ('max-stale', {'max_stale': MAX_SECONDS}),
    ('max-stale=10', {'max_stale': 10}),
    ('max-stale=x', {'max_stale': 0}),
    ('min-fresh=10', {'min_fresh': 10}),
    ('min-fresh=x', {'min_fresh': MAX_SECONDS}),
    ('stale-if-error=60', {'stale_if_error': 60}),
    ('stale-if-error', {'stale_if_error': 0}),
]


@pytest.mark.parametrize(('field', 'expected'), CASES, ids=lambda value: str(value)[:40])
def test_a_field_means(field: str | tuple[str, ...], expected: dict[str, Any]) -> None:
    """As the table says; all that is not named is absent."""
    fields = (field,) if isinstance(field, str) else field

    found = directives_of(Headers(tuple(('cache-control', value) for value in fields)))

    assert found == Directives(**expected)
