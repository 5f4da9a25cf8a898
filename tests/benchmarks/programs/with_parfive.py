"""parfive: `Downloader`."""

import json
import sys
from pathlib import Path
from typing import Any


def one(job: dict[str, Any]) -> None:
    """One file, in several ranges."""
    path = Path(job['path'])
    digest = f'sha-256={job["sha256"]}' if job.get('sha256') else None
    downloader = _downloader(max_splits=job['ranges'])
    downloader.enqueue_file(job['url'], path=path.parent, filename=path.name, checksum=digest)
    _finish(downloader)


def many(job: dict[str, Any]) -> None:
    """Many files, several at once."""
    downloader = _downloader(max_conn=job['workers'], max_splits=1)
    for number, url in enumerate(Path(job['urls']).read_text().split()):
        downloader.enqueue_file(url, path=job['folder'], filename=f'{number}.bin')
    _finish(downloader)


def _downloader(**options: Any) -> Any:
    import parfive  # type: ignore[import-not-found,unused-ignore]

    return parfive.Downloader(progress=False, overwrite=True, **options)


def _finish(downloader: Any) -> None:
    failed = downloader.download().errors
    if failed:
        sys.exit(str(failed[0]))


if __name__ == '__main__':
    asked = json.loads(sys.argv[1])
    {'one': one, 'many': many}[asked['work']](asked)
