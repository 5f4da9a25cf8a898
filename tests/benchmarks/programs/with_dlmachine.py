"""The dlmachine under test."""

import cProfile
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

#: Modules that a hit does not need.
HEAVY = ('cachedir', 'requests', 'pycurl')


def one(job: dict[str, Any]) -> None:
    """One file with its digest."""
    from dlmachine import DownloadManager

    with DownloadManager(backend=job['backend'], segments=job.get('ranges', 1)) as manager:
        manager.download(job['url'], dest=job['path'], checksum=f'sha256:{job["sha256"]}')


def many(job: dict[str, Any]) -> None:
    """Many files into the cache, with records."""
    from dlmachine import DownloadManager

    urls = Path(job['urls']).read_text().split()
    cainfo = {'cainfo': job['cainfo']} if job.get('cainfo') else {}
    with DownloadManager(path=job['folder'], backend=job['backend'], **cainfo) as manager:
        if job.get('profile'):
            # A profile sees only one thread.
            for url in urls:
                manager.fetch(url)
            return
        for item in manager.download_many(urls, workers=job['workers']):
            item.unwrap()


def hits(job: dict[str, Any]) -> None:
    """Hits in the cache, or of recorded files in `dest`, one after another, `times` times."""
    from dlmachine import DownloadManager

    urls = Path(job['urls']).read_text().split()
    options: dict[str, Any] = {'checksum': f'sha256:{job["sha256"]}'} if job.get('sha256') else {}
    dest = job.get('dest')
    pairs = [(url, f'{dest}/{url.rpartition("/")[2]}' if dest else None) for url in urls]
    folder, backend = job.get('folder'), job['backend']
    with DownloadManager(path=folder, backend=backend, freshness='stored') as manager:
        if job.get('warm'):
            manager.download(*pairs[0])
        began = perf_counter()
        for url, path in pairs * job['times']:
            manager.download(url, path, **options)
        seconds = perf_counter() - began
        loaded = [name for name in HEAVY if name in sys.modules]
        origin = manager.fetch(*pairs[-1], **options).origin.value
    problem = '' if origin == 'cache' else f'came from {origin}'
    print(json.dumps({'seconds': seconds, 'loaded': loaded, 'problem': problem}))


def folder(job: dict[str, Any]) -> None:
    """A batch into a folder with freshness='stored'."""
    from dlmachine import DownloadManager

    urls = Path(job['urls']).read_text().split()
    with DownloadManager(backend=job['backend'], freshness='stored') as manager:
        origins = {
            item.unwrap().origin.value
            for item in manager.download_many(urls, job['folder'], workers=job['workers'])
        }
    wanted = {job.get('origin', 'network')}
    print(json.dumps({'problem': '' if origins == wanted else f'came from {origins}'}))


def sync(job: dict[str, Any]) -> None:
    """A locked manifest whose files are in the folder."""
    from dlmachine import DownloadManager

    above = Path(job['folder'])
    with DownloadManager(backend=job['backend'], progress=False) as manager:
        report = manager.sync(above / 'data.toml', above / 'data', workers=job['workers'])
    origins = {item.unwrap().origin.value for item in report.results}
    is_known = origins == {'cache'} and not report.is_written
    print(json.dumps({'problem': '' if is_known else f'came from {origins}'}))


def audit(job: dict[str, Any]) -> None:
    """An audit of a list of URLs, row by row."""
    from dlmachine import DownloadManager
    from dlmachine.auditor import audit as audit_items
    from dlmachine.auditor import summarize
    from dlmachine.manifest import read_manifest

    items = read_manifest(job['urls']).unwrap()
    with DownloadManager(path=job['folder']) as manager, manager.adapters() as world:
        found = summarize(audit_items(items, world))
    counts = {status.value: count for status, count in found.counts.items()}
    problem = '' if counts['hit'] == len(items) else f'found {counts}'
    print(json.dumps({'problem': problem}))


if __name__ == '__main__':
    asked = json.loads(sys.argv[1])
    works = {
        'one': one, 'many': many, 'hits': hits, 'folder': folder, 'sync': sync, 'audit': audit,
    }  # fmt: skip
    work = works[asked['work']]
    if asked.get('profile'):
        profile = cProfile.Profile()
        profile.runcall(work, asked)
        profile.dump_stats(asked['profile'])
    else:
        work(asked)
