"""Fill a folder with recorded files, as dlmachine records them.

One file is downloaded. Its row is then copied for the files `0.bin`, `1.bin`, …, with a prefix, which are
hard links to it, with the keys of `base/0.bin`, `base/1.bin`, ….
"""

import json
import os
import sys
from pathlib import Path
from typing import Any


def main(job: dict[str, Any]) -> None:
    """Download the model, link the files, write their rows."""
    from dlmachine import Descriptor, DownloadManager
    from dlmachine.core.cache.key import cache_key
    from dlmachine.core.cache.updates import FileRecord

    folder = Path(job['folder'])
    folder.mkdir()
    model = folder / 'model.bin'
    with DownloadManager(backend='requests') as manager, manager.adapters() as world:
        index: Any = world.index
        record = manager.fetch(job['model'], str(model)).record
        assert record is not None
        rows = []
        for number in range(job['count']):
            name = f'{job["prefix"]}{number}.bin'
            os.link(model, folder / name)
            key = cache_key(Descriptor(f'{job["base"]}/{name}'))
            rows.append(
                FileRecord(key=key, folder=str(folder), name=name, version=1, record=record)
            )
        index.record_all(rows)


if __name__ == '__main__':
    main(json.loads(sys.argv[1]))
