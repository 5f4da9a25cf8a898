"""`dlmachine report` and `manager.report`: a page about a cache, a folder or a manifest."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import dlmachine as dm
from dlmachine.cli import group
from dlmachine.core.report.rows import Level
from dlmachine.reports.plots import has_plots
from tests.servers.behaviours import resource
from tests.servers.http import Server

SECRET = 'hunter2hunter2'
EVIL = '<script>alert(1)</script>'
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `dlmachine report` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def _run(*words: str, code: int = 0) -> Result:
        done = CliRunner().invoke(group, ['report', *words])
        assert done.exit_code == code, done.output
        return done

    return _run


@pytest.fixture
def url(server: Server) -> str:
    """A URL with a secret and with markup."""
    server.on('/t.tsv', resource(b'data', etag='"1"'))
    return server.url(f'/t.tsv?token={SECRET}&x={EVIL}')


def texts(page: str) -> str:
    """The text of a page, without tags."""
    body = re.sub(r'(?s)<(script|style)>.*?</\1>', '', page)
    return re.sub(r'<[^>]*>', ' ', body)


def checked(path: str | Path) -> str:
    """The text of a page that has no secret, and no script but its own."""
    page = Path(path).read_text(encoding='utf-8')
    assert SECRET not in page
    assert EVIL not in page
    assert page.count('<script>') == 1
    assert ('<svg' in page) == has_plots()
    return texts(page)


def test_a_report_about_a_cache(run: Run, url: str, tmp_path: Path) -> None:
    """What is ready, stale, changed or missing, and where it is from."""
    with dm.DownloadManager('c', progress=False) as manager:
        path = Path(str(manager.download(url)))
        done = run('--cache', 'c')
        assert done.stdout == 'report.html\n'
        assert done.stderr.splitlines()[-1] == '1 in all: 1 ready; 4 B stored'
        text = checked('report.html')
        assert '1 file, 4 B stored' in text
        assert manager.fetch(url).record.sha256 in text
        assert 'x=%3Cscript%3E' in text
        stale = run('--cache', 'c', '--freshness', '0s', '-o', 'stale.html')
        assert '1 stale' in stale.stderr
        assert 'stale for' in checked('stale.html')
        rules = [{'match': 'http://127.0.0.1:*/**', 'freshness': 'always'}]
        report = dm.DownloadManager('c', freshness='0s', rules=rules).report('r.html')
        assert [row.status for row in report.rows] == ['ready']
        path.chmod(0o644)
        path.write_text('changed')
        assert '1 changed' in run('--cache', 'c').stderr
        path.unlink()
        assert '1 missing' in run('--cache', 'c').stderr
        assert 'the file is not there' in checked('report.html')


def test_a_report_about_a_folder(run: Run, url: str, tmp_path: Path) -> None:
    """Names of files may be markup, too."""
    with dm.DownloadManager(progress=False) as manager:
        manager.download(url, f'data/{EVIL.replace("/", "_")}.tsv')
        done = run('data', '-o', 'a & b.html')
        assert done.stdout == 'a & b.html\n'
        text = checked('a & b.html')
        assert '&lt;script&gt;alert(1)&lt;_script&gt;.tsv' in text
        assert 'Report: folder data' in text
        report = manager.report('again.html', 'data')
    assert (report.count, report.rows[0].status) == (1, 'whole')
    assert checked('again.html').split() != []
    (file,) = Path('data').glob('*.tsv')
    file.unlink()
    run()
    text = checked('report.html')
    assert 'folder .' in text
    assert '1 missing' in run('data').stderr


def test_a_report_about_a_manifest(run: Run, url: str, server: Server, tmp_path: Path) -> None:
    """What is missing, and what would fail; with a probe, also what is gone."""
    server.on('/other', resource(b'other'))
    entries = (
        ('here', url), ('other', server.url('/other')), ('gone', server.url('/gone')), ('odd', 'gopher://h/x')
    )  # fmt: skip
    blocks = [f'[[download]]\nname = "{name}"\nurl = "{one}"\n' for name, one in entries]
    Path('m.toml').write_text('\n'.join(blocks))
    with dm.DownloadManager('c', progress=False) as manager:
        manager.download(url)
        done = run('-i', 'm.toml', '--cache', 'c')
        assert '4 in all: 1 would-fail, 2 missing, 1 hit' in done.stderr
        text = checked('report.html')
        assert text.index('gopher') < text.index('/other')
        probed = run('-i', 'm.toml', '--cache', 'c', '--probe', '--deep')
        assert '1 gone on server' in probed.stderr
        items = dm.unwrap(dm.read_manifest('m.toml'))
        report = manager.report(items=items, limit=1)
        assert not Path('None').exists()
        assert (report.count, report.left_out, report.count_of(Level.GOOD)) == (4, 3, 1)
        assert [row.status for row in report.rows] == ['would-fail']
        assert manager.report(folder='data', items=items).count_of(Level.GOOD) == 0
    assert '3 missing' in run('data', '-i', 'm.toml', '--limit', '0').stderr


def test_the_page_goes_to_stdout(run: Run, url: str) -> None:
    """As text, without the name of a file."""
    with dm.DownloadManager('c', progress=False) as manager:
        manager.download(url)
    done = run('--cache', 'c', '-o', '-')
    assert done.stdout.startswith('<!DOCTYPE html>')
    assert not Path('report.html').exists()


def test_without_matplotlib_a_note_says_what_to_install(
    run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is made."""
    monkeypatch.setattr('dlmachine.reports.plots.has_plots', lambda: False)
    with dm.DownloadManager('c', progress=False) as manager:
        manager.download(url)
    assert 'pip install matplotlib' in run('--cache', 'c').stderr
    page = Path('report.html').read_text(encoding='utf-8')
    assert '<svg' not in page
    assert 'There are no plots' in page


def test_a_page_replaces_another_only_when_it_is_complete(
    run: Run, url: str, tmp_path: Path
) -> None:
    """If it cannot be written, the other one stays."""
    with dm.DownloadManager('c', progress=False) as manager:
        manager.download(url)
        with pytest.raises(dm.LocalError, match=r'none/r\.html'):
            manager.report('none/r.html')
        with pytest.raises(dm.RequestError, match='probe is not an option of report'):
            manager.report('r.html', probe=True)
        with pytest.raises(dm.RequestError, match='limit must be'):
            manager.report('r.html', limit=-1)
    with pytest.raises(dm.RequestError, match='needs a cache'):
        dm.DownloadManager(progress=False).report('r.html')
    assert 'need --input-file' in run('--probe', code=2).output
    assert '--cache excludes' in run('data', '--cache', 'c', code=2).output
    assert sorted(path.name for path in tmp_path.iterdir()) == ['c']
