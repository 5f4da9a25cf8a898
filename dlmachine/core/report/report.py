"""A report: the rows that it shows, the worst first, and totals of all rows.  Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from dlmachine.core.frozen import frozen
from dlmachine.core.report.rows import Level, ReportRow

#: A page with more rows takes long to open, and nobody reads it.
MAX_ROWS: Final = 2_000
#: Hosts with a line of their own; the others are added up.
MAX_HOSTS: Final = 50
#: The upper limits of the ages, with their names.
_AGES: Final[tuple[tuple[timedelta, str], ...]] = (
    (timedelta(days=1), 'under 1 day'),
    (timedelta(days=7), 'under 1 week'),
    (timedelta(days=30), 'under 30 days'),
    (timedelta(days=182), 'under half a year'),
    (timedelta(days=365), 'under 1 year'),
)
_OLDER: Final = 'older'


@frozen
class Share:
    """What the files with the same status, host or age take up; `level` is that of a status."""

    name: str
    count: int
    size_bytes: int
    level: Level | None = None

    def to_dict(self) -> dict[str, Any]:
        """The sum as JSON has it."""
        return {'name': self.name, 'count': self.count, 'size': self.size_bytes}


@frozen
class Report:
    """What is stored, where it is from, and what needs attention.

    `about` says what was looked at: a cache, a folder or a manifest. `count` and `size_bytes` are
    those of all rows, and so are the sums by status, host and age. `rows` are at most as many as
    the limit, problems first; `left_out` counts the others.
    """

    about: str
    made_at: datetime
    rows: tuple[ReportRow, ...]
    count: int
    size_bytes: int
    statuses: tuple[Share, ...]
    hosts: tuple[Share, ...]
    ages: tuple[Share, ...]

    @property
    def left_out(self) -> int:
        """The number of rows that it does not have."""
        return self.count - len(self.rows)

    def count_of(self, level: Level) -> int:
        """The number of files of a level, whether it has their rows or not."""
        return sum(one.count for one in self.statuses if one.level is level)

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            'about': self.about,
            'made_at': self.made_at.isoformat(),
            'count': self.count,
            'size': self.size_bytes,
            'left_out': self.left_out,
            'statuses': [one.to_dict() for one in self.statuses],
            'hosts': [one.to_dict() for one in self.hosts],
            'ages': [one.to_dict() for one in self.ages],
            'rows': [row.to_dict() for row in self.rows],
        }


class _Sums:
    """Numbers and sizes by a name."""

    def __init__(self) -> None:
        self.counts: Counter[Any] = Counter()
        self.sizes: Counter[Any] = Counter()

    def add(self, name: object, size_bytes: int) -> None:
        self.counts[name] += 1
        self.sizes[name] += size_bytes


def make_report(
    rows: Iterable[ReportRow], about: str, now: datetime, limit: int = MAX_ROWS
) -> Report:
    """Add up rows as they come; of these at most `limit` are remembered.

    >>> from datetime import UTC
    >>> at = datetime(2024, 5, 1, tzinfo=UTC)
    >>> row = ReportRow(name='a', url='https://h/a', status='ready', level=Level.GOOD, size_bytes=5)
    >>> found = make_report([row, row], 'cache', at, limit=1)
    >>> found.count, found.size_bytes, found.left_out, found.hosts[0].name
    (2, 10, 1, 'h')
    """
    statuses, hosts, ages = _Sums(), _Sums(), _Sums()
    kept: Mapping[Level, list[ReportRow]] = {level: [] for level in Level}
    count = size_bytes = 0
    for row in rows:
        size = row.size_bytes or 0
        count, size_bytes = count + 1, size_bytes + size
        statuses.add((row.level, row.status), size)
        hosts.add(row.host, size)
        if row.stored_at is not None:
            ages.add(age_name(now - row.stored_at), size)
        if len(kept[row.level]) < limit:
            kept[row.level].append(row)
    chosen = [row for level in Level for row in kept[level]]
    return Report(
        about=about,
        made_at=now,
        rows=tuple(chosen[:limit]),
        count=count,
        size_bytes=size_bytes,
        statuses=_status_shares(statuses),
        hosts=_host_shares(hosts),
        ages=tuple(
            Share(name=name, count=ages.counts[name], size_bytes=ages.sizes[name])
            for name in (*(name for _, name in _AGES), _OLDER)
        ),
    )


def age_name(age: timedelta) -> str:
    """The group of an age.

    >>> age_name(timedelta(hours=3)), age_name(timedelta(days=400))
    ('under 1 day', 'older')
    """
    return next((name for most, name in _AGES if age < most), _OLDER)


def _status_shares(sums: _Sums) -> tuple[Share, ...]:
    order = list(Level)
    keys = sorted(sums.counts, key=lambda key: (order.index(key[0]), -sums.counts[key], key[1]))
    return tuple(
        Share(name=key[1], level=key[0], count=sums.counts[key], size_bytes=sums.sizes[key])
        for key in keys
    )


def _host_shares(sums: _Sums) -> tuple[Share, ...]:
    names = sorted(sums.counts, key=lambda name: (-sums.sizes[name], -sums.counts[name], name))
    shares = [_share(sums, [name], name) for name in names[:MAX_HOSTS]]
    others = names[MAX_HOSTS:]
    if others:
        shares.append(_share(sums, others, f'{len(others):,} other hosts'))
    return tuple(shares)


def _share(sums: _Sums, names: Iterable[str], name: str) -> Share:
    every = list(names)
    return Share(
        name=name or 'no host',
        count=sum(sums.counts[one] for one in every),
        size_bytes=sum(sums.sizes[one] for one in every),
    )
