"""`dlmachine demo`: the main job against a server on this machine."""

from typing import Any

import click

from dlmachine.cli.common import fail


@click.command('demo')
@click.option('--backend', metavar='NAME', help='One backend only; otherwise all installed ones.')
def command(backend: str | None, **_: Any) -> None:
    """Serve a table from this machine and download it: plan, hit, 304 and audit."""
    from importlib.util import find_spec

    from dlmachine.demo import run_demo
    from dlmachine.errors import DownloadError

    names = ['requests', *(['curl'] if find_spec('pycurl') else [])]
    for name in names if backend is None else [backend]:
        try:
            run_demo(name, click.echo)
        except DownloadError as error:
            fail(error.fault)
