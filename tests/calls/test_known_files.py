"""What a known file costs in a large `sync`."""

import sys
import time
from pathlib import Path

import pytest

from dlmachine.batch import known
from dlmachine.manager import DownloadManager
from tests.calls.counting import count_calls
from tests.servers.behaviours import resource
from tests.servers.http import Server

#: Calls of functions for a known file, from the manifest to the result. Only a better reason than
#: convenience may raise it.
MOST = 325
FEW, MANY = 64, 192


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason='other Pythons count differently')
def test_a_known_file_of_a_large_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in this thread, which does it all; what a command costs once is left out."""
    monkeypatch.setattr(known, '_MAX_WAIT_SECONDS', 60)
    with Server() as server, DownloadManager(progress=False) as manager:
        entries = []
        for number in range(MANY):
            url = server.on(f'/{number}.txt', resource(b'%d' % number, etag='"v"'))
            entries.append(
                f'[[download]]\nname = "{number}"\nurl = "{url}"\npath = "{number}.txt"\n'
            )
        manifests = [tmp_path / f'{count}.toml' for count in (FEW, MANY)]
        folder = tmp_path / 'data'
        for manifest, count in zip(manifests, (FEW, MANY), strict=True):
            manifest.write_text('\n'.join(entries[:count]), encoding='utf-8')
            manager.sync(manifest, folder).raise_for_failures()
            time.sleep(0.02)
            manager.sync(manifest, folder, frozen=True).raise_for_failures()
        asked = len(server.asked)

        def calls_of(manifest: Path) -> int:
            return min(
                count_calls(lambda: manager.sync(manifest, folder, frozen=True)).total
                for _ in range(3)
            )

        few, many = map(calls_of, manifests)
        assert len(server.asked) == asked
    assert (many - few) / (MANY - FEW) <= MOST
