"""As `good.py`, but only mypy narrows by the truth of an attribute. Never run."""

from pathlib import Path

import dlmachine as dm


def many(manager: dm.DownloadManager, urls: list[str]) -> None:
    """`if item.ok:` leaves nothing to be checked."""
    for item in manager.download_many(urls):
        if item.ok:
            print(Path(item.path).read_text(), item.outcome.origin)
        else:
            print(item.fault.code)
        if not item.ok:
            continue
        print(item.path.upper())
