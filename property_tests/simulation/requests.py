"""Targets: the descriptor and policy of a process, from the tape."""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from hashlib import sha256
from typing import BinaryIO, Final

from dlmachine.core.cache.key import cache_key, keyed_by_vary
from dlmachine.core.integrity.checksum import Checksum, ChecksumList
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.destination import Auto, ToMemory, ToPath, Wanted
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import CheckMethod, Freshness, IfExists, RememberMissing
from property_tests.simulation.caching import ASKED, LANGUAGES
from property_tests.simulation.choices import Choices

HOST: Final = 'https://data.example'
URL: Final = f'{HOST}/t.csv'
OTHER_URL: Final = f'{HOST}/other.csv'
MIRROR: Final = 'https://mirror.example/t.csv'
#: Other URLs of the same site, for redirects.
COPIES: Final = (f'{HOST}/moved.csv', 'https://elsewhere.example/t.csv')
#: Another file with the same validators, to which a redirect may lead.
TWIN: Final = 'https://twin.example/t.csv'
PATH: Final = '/data/x.csv'
#: The name that servers may give to every file.
NAMED: Final = 'named.csv'
#: The files of downloads into the folder.
FOLDER_PATHS: Final = ('/data/t.csv', '/data/other.csv', f'/data/{NAMED}')
LINK: Final = '/data/link.csv'
SUMS: Final = f'{HOST}/SHA256SUMS'
#: The variable with the token of each download.
TOKEN: Final = 'TOKEN'
SUMS_PATH: Final = '/data/SHA256SUMS'

#: Most downloads go to the cache, which has the most failures.
_PLACES: Final[tuple[Wanted, ...]] = (
    Auto(), Auto(), Auto(), Auto(), ToPath(PATH), ToPath('/data/'), ToPath(LINK), ToMemory(),
)  # fmt: skip
#: When a file at a path is used unasked, and a copy in the cache.
_FRESHNESS: Final = (None, Freshness.STORED, timedelta(hours=1), Freshness.HTTP)
_CACHE_FRESHNESS: Final = (None, None, Freshness.HTTP, timedelta(hours=1))
#: What happens to another file at a path.
_IF_EXISTS: Final = (
    None, IfExists.REPLACE, IfExists.REFUSE, IfExists.KEEP,
    None, IfExists.REPLACE, IfExists.REFUSE, None,
)  # fmt: skip
#: The file comes from the cache in one of the cases without `if_exists`.
_VIA_CACHE: Final = 7
#: From this number on, a missing file is remembered.
_REMEMBERS: Final = 128
_NEVER: Final = timedelta(days=300)


@dataclass(frozen=True)
class Target:
    """A descriptor and a policy, and values derived from them.

    `patience` is the time in seconds for which a copy may have been stale; with None it must be
    confirmed.
    """

    descriptor: Descriptor
    policy: Policy
    language: str = ''
    patience: float | None = 0.0

    @property
    def key(self) -> str:
        """The cache key."""
        return _key(self.descriptor)

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs whose contents may be the result."""
        addresses = self.descriptor.addresses
        return (*addresses, TWIN) if URL in addresses else addresses

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths where the file may be, if its destination is a path."""
        wanted = self.policy.dest
        if not isinstance(wanted, ToPath):
            return ()
        return FOLDER_PATHS if wanted.path.endswith('/') else (wanted.path,)

    @property
    def may_repeat(self) -> bool:
        """Whether a request may be repeated."""
        return self.descriptor.method == 'GET' or self.policy.idempotent


@cache
def _described(url: str, mirrors: tuple[str, ...], *, post: bool) -> Descriptor:
    return Descriptor.parse(
        url,
        mirrors=mirrors,
        post=post,
        query={'q': 'x'} if post else None,
        # The same token: of a POST as a field, else read before it is sent.
        headers={'Authorization': 'Bearer s3cret'} if post else None,
        auth=None if post else {'bearer': f'env:{TOKEN}'},
    ).unwrap()


def _by_http(descriptor: Descriptor, language: str, asked: str) -> Descriptor:
    # The manager does the same for the rules of HTTP: variants have one key.
    added = [('Accept-Language', language), ('Cache-Control', asked)]
    headers = descriptor.headers.without(*(name for name, _ in added))
    for name, value in added:
        headers = headers.with_field(name, value) if value else headers
    return keyed_by_vary(replace(descriptor, headers=headers))


_KEYS: dict[Descriptor, str] = {}


def _key(descriptor: Descriptor) -> str:
    found = _KEYS.get(descriptor)
    if found is None:
        found = _KEYS[descriptor] = cache_key(descriptor)
    return found


def draw_target(
    choices: Choices, mirrors: tuple[str, ...], content: bytes, *, post: bool
) -> Target:
    """Draw a target for a site with this current content."""
    url = choices.among((URL, URL, URL, URL, URL, URL, URL, OTHER_URL))
    refresh, place = choices.among((0, 1, 5, 3, 4, 5, 2, 5)), choices.pick(256)
    dest, check = _PLACES[place % 8], refresh in {1, 4}
    is_at_path = isinstance(dest, ToPath)
    freshness = None if check or not is_at_path else _FRESHNESS[place // 8 % 4]
    policy = Policy(
        dest=dest,
        freshness=freshness,
        if_exists=_IF_EXISTS[place // 32],
        via_cache=is_at_path and place // 32 == _VIA_CACHE,
        check_freshness=check,
        check_method=choices.among((CheckMethod.AUTO, CheckMethod.AUTO, *CheckMethod)),
        force_download=refresh in {2, 5},
        keep_old=refresh not in {3, 4, 5},
        offline=choices.pick(16) == 1,
        retries=choices.among((3, 2, 1, 0)),
        retry_wait=timedelta(seconds=choices.among((1, 60))),
        timeout=choices.among((None, None, timedelta(minutes=5), timedelta(seconds=20))),
        lock_timeout=choices.among((_NEVER, _NEVER, timedelta(minutes=10), timedelta(0))),
        max_bytes=choices.among((None, None, None, 1000, len(content), 5)),
        max_redirects=choices.among((20, 1, 0)),
        idempotent=(drawn := choices.pick(256)) % 2 == 1,
        stale_if_error=choices.pick(4) == 1,
        min_bytes=choices.among((None, None, None, None, 5)),
        check_content=choices.pick(4) != 1,
        validate=choices.among((None, None, None, None, accept, accept_long, complain)),
        segments=choices.among((1, 4, 0, 1, 4, 0)),
    )  # fmt: skip
    if not (check or is_at_path or dest == ToMemory()):
        policy = replace(policy, freshness=_CACHE_FRESHNESS[drawn // 2 % 4])
    if drawn >= _REMEMBERS:
        policy = replace(policy, remember_missing=RememberMissing(lasts=timedelta(hours=1)))
    if url == URL:
        policy = _with_checksum(choices, policy, content)
    descriptor = _described(url, mirrors if url == URL else (), post=post)
    if policy.freshness is not Freshness.HTTP:
        return Target(descriptor, policy)
    language, (asked, patience) = LANGUAGES[drawn // 8 % 4], ASKED[drawn // 32 % 4]
    return Target(_by_http(descriptor, language, asked), policy, language, patience)


def accept(file: BinaryIO) -> bool:
    """A validator that accepts any bytes."""
    return file.read() is not None


def accept_long(file: BinaryIO) -> bool:
    """A validator that requires some bytes."""
    return len(file.read()) > 8


def complain(file: BinaryIO) -> bool:
    """A validator that raises an exception."""
    msg = 'no columns'
    raise ValueError(msg)


def fresh_target(target: Target) -> Target:
    """A target for the newest version, without limits: in a healthy world it succeeds."""
    policy = Policy(
        dest=target.policy.dest,
        check_freshness=True,
        if_exists=IfExists.REPLACE,
        remember_missing=target.policy.remember_missing,
    )
    if target.policy.freshness is not Freshness.HTTP:
        return replace(target, policy=policy)
    # To check all copies would be to take one of another variant.
    policy = replace(policy, check_freshness=False, freshness=Freshness.HTTP, remember_missing=None)
    descriptor = _by_http(target.descriptor, target.language, 'no-cache')
    return replace(target, descriptor=descriptor, policy=policy, patience=None)


def reused_target(target: Target) -> Target:
    """The same again by the rules of HTTP: a copy is used while it is fresh."""
    descriptor = _by_http(target.descriptor, target.language, '')
    policy = Policy(dest=target.policy.dest, freshness=Freshness.HTTP)
    return replace(target, descriptor=descriptor, policy=policy, patience=0.0)


def remembering_target(target: Target) -> Target:
    """The same again without its copy: what is remembered of an earlier miss has ended."""
    wanted, remembered = target.policy.dest, target.policy.remember_missing
    policy = Policy(dest=wanted, if_exists=IfExists.REPLACE, remember_missing=remembered)
    return replace(target, policy=policy)


def repeated_target(target: Target) -> Target:
    """The same again: a file that is recorded is used."""
    return replace(target, policy=Policy(dest=target.policy.dest, freshness=Freshness.STORED))


def _with_checksum(choices: Choices, policy: Policy, content: bytes) -> Policy:
    kind = choices.pick(14)
    if kind in {5, 6}:
        # The local checksum file has the first version, the one at the URL the current version.
        return replace(policy, checksum_file=ChecksumList(SUMS_PATH if kind == 5 else SUMS))
    if kind not in {1, 2, 3, 4}:
        return policy
    right = content if kind != 4 else b'something else'
    if kind == 2:
        return replace(policy, checksum=Checksum('md5', _md5(right)))
    return replace(policy, checksum=Checksum('sha256', sha256(right).hexdigest()))


def _md5(data: bytes) -> str:
    from hashlib import md5

    return md5(data, usedforsecurity=False).hexdigest()
