"""Data repositories: a resolver of DOIs, and the APIs of Zenodo, figshare and Dataverse."""

import json
from collections.abc import Mapping
from hashlib import md5
from typing import Any

from tests.servers.behaviours import redirect, resource
from tests.servers.http import Server

FILES: Mapping[str, bytes] = {'table.csv': b'gene,value\n' * 100, 'read me.txt': b'About.\n'}


def md5_of(body: bytes) -> str:
    """The MD5 of a body."""
    return md5(body, usedforsecurity=False).hexdigest()


def answer(server: Server, path: str, value: Any) -> str:
    """Serve a value as JSON."""
    fields = (('Content-Type', 'application/json'),)
    return server.on(path, resource(json.dumps(value).encode(), fields=fields))


def bases(server: Server) -> dict[str, str]:
    """The option `repositories` for this server."""
    base = server.url('').rstrip('/')
    return {'doi': f'{base}/doi', 'zenodo': f'{base}/zenodo', 'figshare': f'{base}/figshare'}


def zenodo(server: Server, number: int, files: Mapping[str, bytes] = FILES, **more: Any) -> None:
    """A record of Zenodo, with its files."""
    rows = []
    for name, body in files.items():
        path = f'/zenodo/api/records/{number}/files/{name.replace(" ", "%20")}/content'
        url = server.on(path, resource(body, etag=f'"{md5_of(body)}"'))
        rows.append(
            {
                'key': name,
                'size': len(body),
                'checksum': f'md5:{md5_of(body)}',
                'links': {'self': url},
            }
        )
    record = {
        'id': number,
        'doi': f'10.5281/zenodo.{number}',
        'metadata': {'title': 'Some data', 'version': f'v{number}'},
        'files': rows,
        **more,
    }
    answer(server, f'/zenodo/api/records/{number}', record)


def concept(server: Server, number: int, latest: int) -> None:
    """The number of all versions, which leads to the latest one."""
    url = server.url(f'/zenodo/api/records/{latest}')
    server.on(f'/zenodo/api/records/{number}', redirect(url, 301))


def figshare(
    server: Server, number: int, files: Mapping[str, bytes] = FILES, version: int = 2
) -> None:
    """An article of figshare, which lists ten files; another request lists all."""
    rows = []
    for place, (name, body) in enumerate(files.items()):
        rows.append(
            {
                'name': name,
                'size': len(body),
                'computed_md5': md5_of(body),
                'download_url': server.on(f'/figshare/files/{number}{place}', resource(body)),
            }
        )
    article = {
        'doi': f'10.6084/m9.figshare.{number}.v{version}',
        'version': version,
        'title': 'More data',
        'files': rows[:10],
    }
    answer(server, f'/figshare/articles/{number}', article)
    answer(server, f'/figshare/articles/{number}/versions/{version}', article)
    answer(server, f'/figshare/articles/{number}/versions/{version}/files', rows)


def dataverse(server: Server, doi: str, files: Mapping[str, bytes] = FILES) -> str:
    """A dataset of Dataverse, of which `.tab` files are converted; returns the URL of its page."""
    rows = []
    for number, (name, body) in enumerate(files.items(), 1):
        label = name.replace('.csv', '.tab')
        original = {'originalFileName': name, 'originalFileSize': len(body)}
        rows.append(
            {
                'label': label,
                'directoryLabel': 'data',
                'dataFile': {
                    'id': number,
                    'filename': label,
                    'filesize': len(body),
                    'checksum': {'type': 'MD5', 'value': md5_of(body)},
                    **(original if label != name else {}),
                },
            }
        )
        server.on(f'/dataverse/api/access/datafile/{number}', resource(body))
    title = {'typeName': 'title', 'value': 'Other data'}
    data = {
        'versionNumber': 3,
        'versionMinorNumber': 1,
        'metadataBlocks': {'citation': {'fields': [title]}},
        'files': rows,
    }
    path = '/dataverse/api/datasets/:persistentId/versions/:latest-published'
    answer(server, path, {'status': 'OK', 'data': data})
    return server.url(f'/dataverse/dataset.xhtml?persistentId=doi:{doi}')


def handle(server: Server, doi: str, url: str) -> None:
    """A DOI that leads to a URL."""
    value = {'type': 'URL', 'data': {'format': 'string', 'value': url}}
    answer(server, f'/doi/api/handles/{doi}', {'responseCode': 1, 'values': [value]})
