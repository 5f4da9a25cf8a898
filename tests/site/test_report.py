"""A report in a real browser: no complaint, sorted by keyboard, readable on a phone, in light and dark."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dlmachine.core.cache.record import DownloadRecord
from dlmachine.core.report.report import make_report
from dlmachine.core.report.rows import Level, ReportRow
from dlmachine.reports.page import page_of
from dlmachine.reports.plots import has_plots

NOW = datetime(2024, 5, 11, tzinfo=UTC)
EVIL = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">.tsv'
LONG = 'a_name_without_any_place_to_break_it_' * 4
STATUSES = (
    ('missing', Level.PROBLEM),
    ('stale', Level.NOTICE),
    ('ready', Level.GOOD),
    ('ready', Level.GOOD),
)

#: The least contrast of any text with what is behind it, with the text (WCAG 2.1, 1.4.3).
_CONTRAST = """() => {
    const channel = value => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
    const parse = colour => colour.match(/[\\d.]+/g).map(Number);
    const behind = element => {
        for (let each = element; each; each = each.parentElement) {
            const colour = parse(getComputedStyle(each).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const found = [];
    for (const details of document.querySelectorAll('details')) details.open = true;
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (!texts.currentNode.data.trim() || element.closest('script') || !element.getClientRects().length) continue;
        const style = getComputedStyle(element);
        const ink = light(parse(element.closest('svg') ? style.fill : style.color)), back = light(behind(element));
        const ratio = (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05);
        found.push([ratio, texts.currentNode.data.trim()]);
    }
    return found.sort((a, b) => a[0] - b[0]);
}"""
#: What sticks out to the right of the window.
_WIDE = """() => [...document.body.querySelectorAll('*')]
    .filter(each => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map(each => `${each.tagName} ${each.textContent.slice(0, 40)}`)"""
#: The texts of a column of a table.
_CELLS = '(table, at) => [...table.tBodies[0].rows].map(row => row.cells[at].innerText.trim())'


def _row(number: int) -> ReportRow:
    status, level = STATUSES[number % 4]
    url = f'https://{LONG[:40]}.example.org/{number}/{EVIL}?token=***'
    at = NOW - timedelta(days=number * 30)
    record = DownloadRecord(
        url=url, urls=(f'https://h/{LONG}',), served_by='http://other.example/x', started_at=at,
        finished_at=at, size_bytes=5, sha256='ab' * 32, etag=f'"{LONG}"', backend='curl',
    )  # fmt: skip
    names = (EVIL, LONG, f'{number}.tsv')
    return ReportRow(
        name=names[number % 3], url=url, status=status, level=level, reason=f'reason {number}',
        path=f'/c/{LONG}', size_bytes=None if number == 7 else 10 ** (number % 12),
        stored_at=None if number == 5 else at, version=number, record=record,
    )  # fmt: skip


@pytest.fixture(scope='module', params=['plots', 'no plots'])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a report whose texts are hostile and long."""
    with_plots = request.param == 'plots'
    if with_plots and not has_plots():
        pytest.skip('matplotlib is not installed')
    path = tmp_path_factory.mktemp('report') / 'report.html'
    report = make_report([_row(number) for number in range(40)], f'cache /data/{LONG}', NOW, 30)
    path.write_text(page_of(report, with_plots=with_plots), encoding='utf-8')
    return path


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about, and what the page requested."""
    return []


@pytest.fixture(params=['light', 'dark'])
def scheme(request: pytest.FixtureRequest) -> str:
    """The colours that the user prefers."""
    return str(request.param)


@pytest.fixture
def viewed(browser: Any, page: Path, scheme: str, complaints: list[str]) -> Iterator[Any]:
    """The page as it is opened from a folder."""
    context = browser.new_context(color_scheme=scheme, viewport={'width': 1280, 'height': 900})
    tab = context.new_page()
    tab.on('console', lambda said: complaints.append(f'{said.type}: {said.text}'))
    tab.on('pageerror', lambda error: complaints.append(f'error: {error}'))
    tab.on('request', lambda asked: complaints.append(asked.url))
    tab.goto(page.as_uri(), wait_until='load')
    yield tab
    context.close()


def test_a_browser_has_no_complaint(viewed: Any, page: Path, complaints: list[str]) -> None:
    """Nothing of a name or a URL runs, and nothing is requested but the page."""
    viewed.wait_for_timeout(50)
    assert set(complaints) <= {page.as_uri(), 'data:,'}
    assert viewed.evaluate('window.hacked') is None
    assert viewed.locator('img').count() == 0
    assert viewed.evaluate('document.title').startswith('Report: cache /data/')


def test_tables_are_sorted_by_keyboard(viewed: Any) -> None:
    """Enter and space sort, up and down, by number or by text; the heading says which."""
    table = viewed.locator('table.files').last
    heads = table.locator('thead th')
    size = heads.nth(2)
    order = [
        int(cell.get_attribute('data-value') or -1)
        for cell in table.locator('tbody td:nth-child(3)').all()
    ]
    assert order != sorted(order)
    heads.nth(1).locator('button').focus()
    viewed.keyboard.press('Tab')
    for key, direction in (('Enter', 'ascending'), ('Space', 'descending'), ('Enter', 'ascending')):
        viewed.keyboard.press(key)
        assert size.get_attribute('aria-sort') == direction
        cells = table.locator('tbody td:nth-child(3)').all()
        found = [int(cell.get_attribute('data-value') or -1) for cell in cells]
        assert found == sorted(order, reverse=direction == 'descending')
        assert size.locator('button').evaluate('each => each === document.activeElement')
    viewed.keyboard.press('Shift+Tab')
    viewed.keyboard.press('Enter')
    assert size.get_attribute('aria-sort') is None
    assert heads.nth(1).get_attribute('aria-sort') == 'ascending'
    names = [name.partition('\n')[0] for name in table.evaluate(_CELLS, 1)]
    numbers = [int(name[: -len('.tsv')]) for name in names if name[0].isdigit()]
    assert numbers == [2, 11, 14]


def test_tables_of_sums_are_sorted_too(viewed: Any) -> None:
    """By their counts."""
    viewed.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    table = viewed.locator('main .grid table').first
    button = table.locator('thead th').nth(1).locator('button')
    button.press('Enter')
    counts = [int(count.replace(',', '')) for count in table.evaluate(_CELLS, 1)]
    assert counts == sorted(counts)


@pytest.mark.parametrize('width', [360, 1280])
def test_nothing_sticks_out(viewed: Any, width: int) -> None:
    """On a phone and on a screen, also with all details open."""
    viewed.set_viewport_size({'width': width, 'height': 800})
    viewed.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert viewed.evaluate('document.documentElement.scrollWidth') <= width
    assert viewed.evaluate(_WIDE) == []


@pytest.mark.parametrize('width', [360, 1280])
def test_texts_can_be_read(viewed: Any, width: int) -> None:
    """The contrast of each is at least 4.5 to 1."""
    viewed.set_viewport_size({'width': width, 'height': 800})
    found = viewed.evaluate(_CONTRAST)
    assert len(found) > 200
    assert found[0][0] >= 4.5, found[:5]


def test_rows_are_found(viewed: Any) -> None:
    """Those without the text are hidden, and a reader is told how many are left."""
    field = viewed.get_by_label('Find in the lists')
    field.fill('REASON 12')
    assert viewed.locator('.files tbody tr:visible').count() == 1
    assert viewed.locator('output').inner_text() == '1 of 30'
    field.fill('')
    assert viewed.locator('.files tbody tr:visible').count() == 30


def test_without_scripts_all_is_there(browser: Any, page: Path) -> None:
    """Only sorting and finding need them."""
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(page.as_uri())
    assert tab.locator('.files tbody tr').count() == 30
    assert not tab.get_by_label('Find in the lists').is_visible()
    context.close()
