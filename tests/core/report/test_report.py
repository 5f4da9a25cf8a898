"""A report adds up all rows, and lists some of them, the urgent ones first."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from dlmachine.core.report.report import MAX_HOSTS, MAX_ROWS, Share, age_name, make_report
from dlmachine.core.report.rows import Level, ReportRow

NOW = datetime(2024, 5, 11, tzinfo=UTC)


def a_row(
    name: str = 't',
    status: str = 'ready',
    level: Level = Level.GOOD,
    *,
    host: str = 'h',
    size: int | None = 5,
    days: float | None = 3,
) -> ReportRow:
    """A row of a report."""
    stored_at = None if days is None else NOW - timedelta(days=days)
    url = f'https://{host}/{name}' if host else ''
    return ReportRow(
        name=name, url=url, status=status, level=level, size_bytes=size, stored_at=stored_at
    )


GOOD, STALE = a_row('good'), a_row('stale', 'stale', Level.NOTICE, host='h2', size=7, days=20)
GONE = a_row('gone', 'missing', Level.PROBLEM, size=None, days=None)
CHANGED = a_row('changed', 'changed', Level.PROBLEM, host='', size=1, days=900)


def test_all_rows_are_added_up() -> None:
    """By status, host and age; the urgent statuses, the largest hosts and the youngest ages first."""
    report = make_report([GOOD, STALE, GONE, CHANGED, GOOD], 'cache', NOW)
    assert (report.count, report.size_bytes, report.left_out) == (5, 18, 0)
    assert report.statuses == (
        Share(name='changed', level=Level.PROBLEM, count=1, size_bytes=1),
        Share(name='missing', level=Level.PROBLEM, count=1, size_bytes=0),
        Share(name='stale', level=Level.NOTICE, count=1, size_bytes=7),
        Share(name='ready', level=Level.GOOD, count=2, size_bytes=10),
    )
    assert report.hosts == (
        Share(name='h', count=3, size_bytes=10),
        Share(name='h2', count=1, size_bytes=7),
        Share(name='no host', count=1, size_bytes=1),
    )
    assert [(one.name, one.count, one.size_bytes) for one in report.ages] == [
        ('under 1 day', 0, 0),
        ('under 1 week', 2, 10),
        ('under 30 days', 1, 7),
        ('under half a year', 0, 0),
        ('under 1 year', 0, 0),
        ('older', 1, 1),
    ]
    assert [report.count_of(level) for level in Level] == [2, 1, 2]


def test_the_urgent_rows_are_listed_first() -> None:
    """In their order; those beyond the limit are counted."""
    rows = [GOOD, STALE, GONE, CHANGED, GOOD]
    assert make_report(rows, 'cache', NOW).rows == (GONE, CHANGED, STALE, GOOD, GOOD)
    report = make_report(rows, 'cache', NOW, limit=3)
    assert (report.rows, report.left_out, report.count) == ((GONE, CHANGED, STALE), 2, 5)
    assert make_report(rows, 'cache', NOW, limit=0).rows == ()


def test_a_hundred_thousand_rows_are_added_up_as_they_come() -> None:
    """Of these, a limited number is remembered."""

    def rows() -> Iterator[ReportRow]:
        for _ in range(100_000):
            yield GOOD
        yield GONE

    report = make_report(rows(), 'cache', NOW)
    assert (len(report.rows), report.left_out) == (MAX_ROWS, 100_001 - MAX_ROWS)
    assert report.rows[0] == GONE
    assert report.size_bytes == 500_000


def test_many_hosts() -> None:
    """Those that have the least are one line."""
    rows = [a_row(host=f'h{number}.example', size=number) for number in range(MAX_HOSTS + 2)]
    hosts = make_report(rows, 'cache', NOW).hosts
    assert len(hosts) == MAX_HOSTS + 1
    assert hosts[0] == Share(name=f'h{MAX_HOSTS + 1}.example', count=1, size_bytes=MAX_HOSTS + 1)
    assert hosts[-1] == Share(name='2 other hosts', count=2, size_bytes=1)


@pytest.mark.parametrize(
    ('days', 'name'),
    [
        (-1, 'under 1 day'),
        (0.99, 'under 1 day'),
        (1, 'under 1 week'),
        (7, 'under 30 days'),
        (30, 'under half a year'),
        (182, 'under 1 year'),
        (364, 'under 1 year'),
        (365, 'older'),
    ],
)
def test_the_groups_of_ages(days: float, name: str) -> None:
    """Each begins where the one before it ends."""
    assert age_name(timedelta(days=days)) == name


def test_a_report_as_json_has_it() -> None:
    """Sums and rows."""
    report = make_report([GOOD, STALE], 'cache /c', NOW, limit=1)
    found = report.to_dict()
    assert found['statuses'] == [
        {'name': 'stale', 'count': 1, 'size': 7},
        {'name': 'ready', 'count': 1, 'size': 5},
    ]
    assert found['hosts'][0] == {'name': 'h2', 'count': 1, 'size': 7}
    assert found['rows'] == [STALE.to_dict()]
    del found['statuses'], found['hosts'], found['rows'], found['ages']
    assert found == {
        'about': 'cache /c',
        'made_at': '2024-05-11T00:00:00+00:00',
        'count': 2,
        'size': 12,
        'left_out': 1,
    }
