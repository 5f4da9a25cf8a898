"""Public suffixes: domains under which anybody can register names, such as `co.uk`, `github.io`.

A cookie for one of them would go to strangers (RFC 6265 section 5.3). The list is bundled with
`publicsuffixlist`, which sends no requests; it is read once, when a cookie names a domain.
"""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from dlmachine.core.access.cookies import domains_named
from dlmachine.core.frozen import replace
from dlmachine.core.http.response import ResponseHead

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def with_public_suffixes(head: ResponseHead) -> ResponseHead:
    """Add the domains in the head's cookies that are public suffixes."""
    values = head.headers.get_all('Set-Cookie')
    named = domains_named(values) if values else frozenset()
    if not named:
        return head
    return replace(head, public_suffixes=find_public(named))


def find_public(domains: Iterable[str]) -> tuple[str, ...]:
    """Those of the domains that are public suffixes, sorted."""
    # A host of a URL is ASCII, so no other domain matches it.
    found = (name for name in sorted(domains) if name.isascii() and _read_list().is_public(name))
    return tuple(found)


@cache
def _read_list() -> 'PublicSuffixList':
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
