"""The location and the name of a part, the file that holds an unfinished download.

Pure. A part is kept beside its destination, on the same file system, so that it is published by
one rename.
"""

from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import PurePath

from dlmachine.core.cache.freshness import assess_entry, choose_version
from dlmachine.core.decision.snapshot import CacheSeen, FileSeen
from dlmachine.core.spec.destination import Auto, ToPath, Wanted, ends_in_separator
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness


def part_place(wanted: Wanted, cache_folder: str | None, *, is_folder: bool) -> str | None:
    """The folder in which to keep parts; None if they are kept in memory.

    `is_folder` says that the requested path is an existing folder.

    >>> part_place(ToPath('/data/x.gz'), None, is_folder=False)
    '/data'
    >>> part_place(Auto(), '/cache', is_folder=False), part_place(Auto(), None, is_folder=False)
    ('/cache', None)
    """
    match wanted:
        case ToPath(path=path):
            is_folder = is_folder or ends_in_separator(path)
            return str(PurePath(path) if is_folder else PurePath(path).parent)
        case Auto():
            return cache_folder
        case _:
            return None


@lru_cache(maxsize=256)
def url_digest(url: str) -> str:
    """The beginning of a URL's SHA-256, stored beside a part because the URL may have secrets.

    >>> url_digest('http://h/x')
    '86ca99740210faa0'
    """
    return sha256(url.encode('utf-8', 'surrogatepass')).hexdigest()[:16]


def may_need_part(
    policy: Policy, cache: CacheSeen | None, file: FileSeen | None, now: datetime
) -> bool:
    """Whether to search for a part to resume; not if a stored copy is used without a check."""
    is_at_path = isinstance(policy.dest, ToPath)
    rule = policy.freshness_rule(is_at_path=is_at_path)
    if policy.force_download or rule is Freshness.ALWAYS:
        return True
    if is_at_path:
        entry = None if file is None else file.entry
        entry = None if entry is None else choose_version((entry,), policy)
    elif not isinstance(policy.dest, Auto) or cache is None:
        return True
    else:
        entry = choose_version(cache.entries, policy, now=now)
    # By the rules of HTTP, whether a copy answers the request is not known here.
    if entry is None or rule is Freshness.STORED or rule is Freshness.HTTP:
        return entry is None
    return not assess_entry(entry, rule, now).is_fresh


def part_stem(key: str, wanted: Wanted) -> str:
    """The beginning of a part's file name, the same for every run of one download.

    >>> part_stem('ab' * 32, ToPath('/data/x.gz'))
    'abababababababababababababababab-x.gz'
    """
    if not isinstance(wanted, ToPath):
        return key[:32]
    name = PurePath(wanted.path).name
    # File systems limit names in bytes, not in characters.
    name = name.encode('utf-8', 'surrogateescape')[:64].decode('utf-8', 'ignore')
    return f'{key[:32]}-{name}' if name else key[:32]
