"""The page of a report: all that is said, nothing that runs, and no secret."""

import re
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.report.report import Report, make_report
from dlmachine.core.report.rows import Level, ReportRow
from dlmachine.reports.page import page_of
from dlmachine.reports.plots import has_plots

NOW = datetime(2024, 5, 11, tzinfo=UTC)
EVIL = '<script>alert(1)</script>"\' onload=x &amp; \x1b[31m $x$ ]]> -->'
URL = f'https://evil.example/{EVIL}'


def a_record(text: str = EVIL) -> DownloadRecord:
    """A record in which every text is hostile."""
    return DownloadRecord(
        url=f'https://h/{text}', urls=(f'https://c/{text}',), served_by=f'https://m/{text}',
        method=text, started_at=NOW, finished_at=NOW, validated_at=NOW, size_bytes=3, sha256=text,
        etag=text, last_modified=text, verified_by=((text, text),), notes=(text,), backend=text,
        backend_version=text, dlmachine_version=text, verified_tls=False, source=((text, text),),
    )  # fmt: skip


def a_row(level: Level = Level.PROBLEM, text: str = EVIL, url: str = URL) -> ReportRow:
    """A row in which every text is hostile."""
    return ReportRow(
        name=text, url=url, status=text, level=level, reason=text, path=text, size_bytes=3,
        stored_at=NOW - timedelta(days=3), version=1, is_pinned=True, record=a_record(text),
    )  # fmt: skip


def a_report(*rows: ReportRow, limit: int = 2_000) -> Report:
    """A report of rows."""
    return make_report(rows, f'cache {EVIL}', NOW, limit)


class _Tags(HTMLParser):
    """The tags of a page with their attributes; each tag is closed in its order."""

    EMPTY = ('meta', 'link', 'input', 'wbr')

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ''
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] not in (['script'], ['style']):
            self.text += data


@pytest.mark.parametrize('with_plots', [True, False])
def test_everything_from_outside_is_escaped(with_plots: bool) -> None:
    """Names, URLs and header fields add no tag, no attribute and no control character."""
    if with_plots:
        pytest.importorskip('matplotlib')
    page = page_of(a_report(a_row(), a_row(Level.GOOD)), with_plots=with_plots)
    read = _Tags(page)
    assert [tag for tag, _ in read.tags].count('script') == 1
    assert not [attrs for _, attrs in read.tags if {'onload', 'onclick', 'src'} & set(attrs)]
    assert '\x1b' not in page
    assert page.count('<script>') == 1
    assert read.text.count('<script>alert(1)</script>"\' onload=x &amp;') > 20


def test_only_its_own_script_may_run() -> None:
    """A policy says so to the browser, which requests nothing."""
    page = page_of(a_report(a_row()), with_plots=False)
    (policy,) = [
        str(attrs['content'])
        for tag, attrs in _Tags(page).tags
        if tag == 'meta' and attrs.get('http-equiv') == 'Content-Security-Policy'
    ]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "'unsafe-inline'" not in policy.split(';')[1]
    for tag, attrs in _Tags(page).tags:
        if tag in {'link', 'img', 'iframe'}:
            assert attrs.get('href', attrs.get('src')) == 'data:,'


@pytest.mark.parametrize(
    ('url', 'is_link'),
    [
        ('https://h/a', True),
        ('http://h/a?b=<c>', True),
        ('https://h/a?token=***', False),
        ('javascript:alert(1)', False),
        ('data:text/html,<script>', False),
        ('file:///etc/passwd', False),
        ('', False),
    ],
)
def test_only_what_leads_to_a_page_is_a_link(url: str, is_link: bool) -> None:
    """Not a masked URL, nor one of another scheme."""
    row = ReportRow(name='a', url=url, status='ready', level=Level.GOOD)
    links = [
        attrs for tag, attrs in _Tags(page_of(a_report(row), with_plots=False)).tags if tag == 'a'
    ]
    assert [attrs['href'] for attrs in links] == ([url] if is_link else [])
    assert all(attrs['rel'] == 'noopener noreferrer' for attrs in links)


def test_the_provenance_is_told() -> None:
    """What, from where, when, which bytes, and by what."""
    text = _Tags(page_of(a_report(a_row(text='x', url='https://h/x')), with_plots=False)).text
    for fact in (
        'Requestedhttps://h/x', 'Served byhttps://m/x', 'Final URLhttps://c/x', 'Methodx', 'Sourcex: x',
        'Downloaded2024-05-11 00:00:00 UTC', 'Last checked2024-05-11 00:00:00 UTC', 'SHA-256x', 'Verified byx (x)',
        'ETagx', 'Last-Modifiedx', 'TLSthe certificate was not checked', 'Downloaded bydlmachine x, x x', 'Notesx',
        'Version1', 'Pinnedyes', 'Pathx', 'Stored2024-05-08 00:00:00 UTC', 'Bytes3',
    ):  # fmt: skip
        assert fact in text, fact
    row = ReportRow(name='a', url='https://h/a', status='missing', level=Level.NOTICE)
    assert 'SHA-256' not in page_of(a_report(row), with_plots=False)


def test_what_is_left_out_is_said() -> None:
    """A hundred thousand rows are a page that a browser opens."""
    rows = [a_row(text='x')] * 5 + [a_row(Level.GOOD, text='y')] * 100_000
    page = page_of(make_report(rows, 'cache', NOW), with_plots=False)
    assert len(page) < 8_000_000
    text = _Tags(page).text
    assert (
        'The lists have 2,000 of 100,005 files, the urgent ones first. Left out: 98,005 in order. '
        'The numbers above count all.'
    ) in text
    assert '100,005 files' in text
    few = page_of(a_report(*rows[:8], limit=3), with_plots=False)
    assert 'Left out: 2 with a problem, 3 in order.' in few
    assert 'Left out' not in page_of(a_report(*rows[:8]), with_plots=False)


def test_nothing_is_stored() -> None:
    """The page says so."""
    page = page_of(a_report())
    assert 'Nothing is stored' in page
    assert '<svg' not in page


def test_the_plots_need_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the page has the tables, and says what to install."""
    monkeypatch.setattr('dlmachine.reports.plots.has_plots', lambda: False)
    page = page_of(a_report(a_row()))
    assert 'There are no plots, because matplotlib is not installed: pip install' in page
    assert 'pip install matplotlib' in page
    assert '<svg' not in page
    assert '<summary>As a table' not in page


def test_the_plots_are_parts_of_the_page() -> None:
    """Without ids and colours of their own; formulas and tags in names are text."""
    pytest.importorskip('matplotlib')
    assert has_plots()
    rows = [a_row(text='$\\frac{1}{0}$ <b>'), a_row(Level.GOOD), a_row(url='https://other/')]
    page = page_of(a_report(*rows), with_plots=True)
    drawings = re.findall(r'<svg.*?</svg>', page, re.DOTALL)
    assert len(drawings) == 3
    for drawing in drawings:
        assert ' id=' not in drawing
        assert not re.search(r'fill: #|stroke: #|<style|<metadata', drawing)
        assert 'var(--' in drawing
        assert 'role="img"' in drawing
    assert '$\\frac{1}{0}$ &lt;b&gt;' in drawings[0]
    assert 'evil.example' in drawings[1]


def test_a_plot_shows_the_largest_of_many_hosts() -> None:
    """The table beside it has the others; long names are cut."""
    pytest.importorskip('matplotlib')
    rows = [a_row(text='x', url=f'https://{number}.{"long" * 10}.example/') for number in range(30)]
    page = page_of(a_report(*rows), with_plots=True)
    (_, hosts, _) = re.findall(r'<svg.*?</svg>', page, re.DOTALL)
    assert hosts.count('…') == 8
    assert page.count('<th scope="row" class="wide">') >= 30


def test_matplotlib_is_imported_only_for_plots() -> None:
    """A page without them is made quickly."""
    loaded = 'matplotlib' in sys.modules
    page_of(a_report(a_row()), with_plots=False)
    assert ('matplotlib' in sys.modules) == loaded
