"""Write a locked manifest, and a folder with its recorded files, each with bytes of its own.

One file is downloaded, and its record serves as the model of the others. In the folder of the job
there are then `data.toml`, `data.toml.lock` and `data/0.bin`, `data/1.bin`, …, of `base/0.bin`, …;
with `folders` the files are `data/0/0.bin`, `data/1/1.bin`, ….
"""

import json
import sys
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

#: A file that was written a moment before its row is read once.
_SETTLED_SECONDS = 3


def main(job: dict[str, Any]) -> None:
    """Write the files, wait, write the rows, the manifest and its lockfile."""
    from dlmachine import Descriptor, DownloadManager
    from dlmachine.core.cache.key import cache_key
    from dlmachine.core.cache.updates import FileRecord
    from dlmachine.core.manifest.entry_digest import entry_digest
    from dlmachine.core.manifest.lock import LockedFile, make_lock, write_lock
    from dlmachine.core.spec.policy import Policy

    above = Path(job['folder'])
    folder = above / 'data'
    folder.mkdir(parents=True)
    with DownloadManager(backend='requests') as manager, manager.adapters() as world:
        index: Any = world.index
        model = manager.fetch(job['model'], str(above / 'model.bin')).record
        assert model is not None
        rows, files, entries = [], [], []
        for number in range(job['count']):
            inner = str(number % job['folders']) if job.get('folders') else ''
            name, data = f'{inner}/{number}.bin'.lstrip('/'), b'%016d' % number
            url, digest = f'{job["base"]}/{name}', sha256(data).hexdigest()
            (folder / inner).mkdir(exist_ok=True)
            (folder / name).write_bytes(data)
            one = Descriptor(url)
            mtime_ns = (folder / name).stat().st_mtime_ns
            known = replace(model, url=url, size_bytes=len(data), sha256=digest, mtime_ns=mtime_ns)
            rows.append(
                FileRecord(
                    key=cache_key(one),
                    folder=str(folder / inner),
                    name=f'{number}.bin',
                    version=1,
                    record=known,
                )
            )
            entry = entry_digest(one, Policy())
            files.append(LockedFile(name=name, url=url, entry=entry, size=len(data), sha256=digest))
            entries.append(f'[[download]]\nname = "{name}"\nurl = "{url}"\npath = "{name}"\n')
        time.sleep(_SETTLED_SECONDS)
        index.record_all(rows)
    (above / 'data.toml').write_text('\n'.join(entries))
    (above / 'data.toml.lock').write_text(write_lock(make_lock(files)))


if __name__ == '__main__':
    main(json.loads(sys.argv[1]))
