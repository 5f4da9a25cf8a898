"""What the libraries raise for a packed file that they cannot read, as faults."""

import errno
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from dlmachine.core.faults import ArchiveRefused, Fault
from dlmachine_adapters.files.os_errors import storage_fault


class PackedFileError(Exception):
    """A packed file cannot be read; carries the fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@contextmanager
def packed_errors(path: str) -> Iterator[None]:
    """Raise the errors of the libraries as PackedFileError with the fault of the file `path`."""
    try:
        yield
    except EOFError:
        raise PackedFileError(ArchiveRefused(path=path, problem='ends too early')) from None
    except (zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError) as error:
        raise PackedFileError(_damaged(path, error)) from None
    except NotImplementedError as error:
        problem = f'is packed in a way that is not supported: {_reason(error)}'
        advice = 'Unpack it with another program'
        raise PackedFileError(ArchiveRefused(path=path, problem=problem, advice=advice)) from None
    except OSError as error:
        # The readers of gzip and bzip2 raise OSError without a number for damaged data, and the
        # system refuses an offset before the beginning of a file.
        if error.errno not in {None, errno.EINVAL}:
            raise PackedFileError(storage_fault(error, 'read', path)) from None
        raise PackedFileError(_damaged(path, error)) from None
    except (ValueError, OverflowError, RuntimeError, UnicodeError) as error:
        raise PackedFileError(_damaged(path, error)) from None
    except Exception as error:
        if type(error).__name__ != 'ZstdError':
            raise
        raise PackedFileError(_damaged(path, error)) from None


def _damaged(path: str, error: Exception) -> ArchiveRefused:
    return ArchiveRefused(path=path, problem=f'is damaged: {_reason(error)}')


def _reason(error: Exception) -> str:
    text = str(error).partition('\n')[0] or type(error).__name__
    return f'{text[:1].lower()}{text[1:]}'
