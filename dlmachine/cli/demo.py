"""`dlmachine demo`: plan, download, hit, 304 and audit, with a local server."""

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from dlmachine.cli.common import fail
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import table_option
from dlmachine.demo import ExampleServer, examples
from dlmachine.errors import DownloadError
from dlmachine.manager import DownloadManager
from dlmachine.manifest import parse_lines


@click.command('demo', cls=Command)
@table_option('backend', help='One backend only; otherwise all installed ones.')
def command(backend: str | None, **_: Any) -> None:
    """Serve a table locally and download it: plan, hit, 304 and audit."""
    names = ['requests', *(['curl'] if find_spec('pycurl') else [])]
    for name in names if backend is None else [backend]:
        try:
            _show_backend(name)
        except DownloadError as error:
            fail(error.fault)


def _show_backend(backend: str) -> None:
    with examples() as server, tempfile.TemporaryDirectory() as folder:
        cache = Path(folder, 'cache')
        url = f'{server.url}/interactions.tsv.gz'
        with DownloadManager(path=cache, backend=backend, progress=False) as manager:
            click.echo(f'== {backend} ==\n')
            click.echo('1. The plan, before anything happens:\n')
            click.echo('\n'.join(f'  {line}' for line in str(manager.plan(url)).splitlines()))
            _report(server, f'the cache folder {"exists" if cache.exists() else "does not exist"}')
            click.echo('2. The download:\n')
            outcome = manager.fetch(url)
            record = outcome.record
            assert record is not None  # noqa: S101 -- a download always has one
            _report(
                server,
                f'{record.size_bytes:,} bytes, sha256 {record.sha256[:16]}..., {outcome.path}',
            )
            click.echo('3. Again: a cache hit:\n')
            again = manager.fetch(url)
            _report(server, f'from the {again.origin.value}, because {again.reason}')
            click.echo('4. Is it still current? One conditional request:\n')
            checked = manager.fetch(url, check_freshness=True)
            _report(server, f'from the {checked.origin.value}, because {checked.reason}')
            click.echo('5. An audit of two URLs, without a request:\n')
            items = parse_lines([url, f'{url}.md5'], manager.config.defaults)
            for row in manager.audit(items):
                click.echo(f'  {row.status.value:8} {row.url}: {row.reason}')
            _report(server, 'nothing was downloaded, nothing written')


def _report(server: ExampleServer, what: str) -> None:
    click.echo(f'  {what}')
    click.echo(f'  requests: {"; ".join(server.requests) or "none"}\n')
    server.requests.clear()
