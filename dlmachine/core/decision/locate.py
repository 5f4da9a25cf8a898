"""Add the requested URL and the destination to a fault.

Pure. An adapter knows only the file or exchange that failed; the run knows the URL and the
destination. Every fault that ends a run or refuses a plan passes through here.
"""

from pathlib import PurePath

from dlmachine.core.cache.key import shown_url
from dlmachine.core.faults import Fault, StorageFailed
from dlmachine.core.frozen import replace
from dlmachine.core.http.filename import is_our_folder
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import AtPath, Destination, InCache, InFolder


def locate(fault: Fault, descriptor: Descriptor, destination: Destination | None = None) -> Fault:
    """The same fault, with the URL and the destination added if it lacks them.

    >>> part = StorageFailed(path='/d/.dlmachine/00.part', operation='write', problem='disk full')
    >>> print(locate(part, Descriptor(url='http://h/x'), AtPath('/d/x')).what())
    http://h/x: cannot write /d/x: disk full
    """
    if not fault.url:
        fault = replace(fault, url=shown_url(descriptor))
    if isinstance(fault, StorageFailed) and not fault.destination and _is_of_a_part(fault):
        return replace(fault, destination=_path_of(destination))
    return fault


def _is_of_a_part(fault: StorageFailed) -> bool:
    return fault.operation == 'create' or any(
        is_our_folder(part) for part in PurePath(fault.path).parts
    )


def _path_of(destination: Destination | None) -> str:
    match destination:
        case AtPath(path=path):
            return path
        case InFolder(folder=folder) | InCache(folder=folder):
            return folder
        case _:
            return ''
