"""The names of parts: stem, host, process, a random token, and `part`.

Contract: no two parts have the same name, and a name tells which process owns the part.
"""

import os
import re
import socket
from functools import cache
from hashlib import sha256
from typing import Final

from dlmachine.core.regex import regex
from dlmachine_adapters.parts.sidecar import is_running

_FIELDS: Final = 5
_PLAIN: Final = regex(r'[A-Za-z0-9_\-]{1,64}')


def part_name(stem: str) -> str:
    """A new name for a part of this process."""
    return f'{safe_stem(stem)}.{_host_name()}.{os.getpid()}.{os.urandom(4).hex()}.part'


def safe_stem(stem: str) -> str:
    """The stem, or its digest if a file system may not accept it."""
    # A name of 64 characters can have 256 bytes, which is too long for a file system.
    return stem if _PLAIN.fullmatch(stem) else sha256(stem.encode('utf-8', 'replace')).hexdigest()


def owner_is_gone(part: str) -> bool:
    """Whether the process in the name of a part ran on this host, and has ended."""
    fields = part.rsplit('.', 4)
    if len(fields) != _FIELDS:
        return False
    host, pid = fields[1:3]
    is_ours = host == _host_name() and pid.isdecimal() and int(pid) != os.getpid()
    return is_ours and not is_running(int(pid))


def _host_name() -> str:
    return _safe_host(socket.gethostname())


@cache
def _safe_host(name: str) -> str:
    return re.sub(r'[^A-Za-z0-9]', '-', name)[:32]
