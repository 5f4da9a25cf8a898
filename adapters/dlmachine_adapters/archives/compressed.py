"""Opens compressed files: gzip (also of several members, and BGZF), bzip2, xz, Zstandard."""

import bz2
import gzip
from collections.abc import Callable
from typing import IO, Any, Final, cast

from dlmachine.core.archives.packing import Packing
from dlmachine.core.faults import ArchiveRefused
from dlmachine_adapters.archives.packed_errors import PackedFileError
from dlmachine_adapters.archives.xz_reader import open_xz


def decompress(packing: Packing, file: IO[bytes], path: str) -> IO[bytes]:
    """The content of a compressed file, which stays open when the result is closed."""
    reader = _zstandard(path) if packing is Packing.ZSTANDARD else _READERS[packing]
    return cast('IO[bytes]', reader(file))


_READERS: Final[dict[Packing, Callable[..., Any]]] = {
    Packing.GZIP: gzip.open,
    Packing.BZIP2: bz2.open,
    Packing.XZ: open_xz,
}


def _zstandard(path: str) -> Callable[..., Any]:
    try:
        from compression.zstd import ZstdFile  # type: ignore[import-not-found, unused-ignore]
    except ImportError:  # Python before 3.14
        try:
            from backports.zstd import ZstdFile
        except ImportError:
            problem = 'is compressed with Zstandard, for which a package is missing'
            advice = 'Install it: pip install backports.zstd'
            fault = ArchiveRefused(path=path, problem=problem, advice=advice)
            raise PackedFileError(fault) from None
    return cast('Callable[..., Any]', ZstdFile)
