"""`dlmachine resolve`: the files of DOIs, as a manifest."""

from typing import Any

import click

from dlmachine.cli.common import managing
from dlmachine.cli.parameters.command import Command
from dlmachine.cli.parameters.options import config_option, json_option, table_option


@click.command('resolve', cls=Command)
@click.argument('sources', nargs=-1, required=True, metavar='DOI...')
@json_option
@config_option
@table_option('path')
@table_option('backend')
@table_option('offline')
@table_option('force_download', help='Ask the repository even if the list is in the cache.')
@table_option('retries')
@table_option('timeout')
@table_option('repositories')
def command(sources: tuple[str, ...], **given: Any) -> None:
    """Print the files of DOIs as a manifest, with URLs, names and checksums.

    A DOI of Zenodo, figshare or Dataverse (doi:10.5281/zenodo.1234567, with or without the name of
    a file), or the URL of a record. Write it to a file, and download that: dlmachine resolve
    doi:10.5281/zenodo.1234567 > downloads.toml; dlmachine sync downloads.toml. The DOI of all
    versions gives the latest one.
    """
    with managing(given) as manager:
        found = [manager.resolve(source) for source in sources]
    if given['as_json']:
        import json

        for listing in found:
            click.echo(json.dumps(listing.to_dict()))
    else:
        click.echo('\n'.join(listing.manifest for listing in found), nl=False)
