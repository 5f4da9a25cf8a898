"""The network: the contents of servers, one version after the other."""

import gzip
from base64 import b64encode
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from hashlib import sha256
from typing import Final

from dlmachine_adapters.fakes.server import Resource
from property_tests.simulation.caching import LANGUAGES, Said, say, translate, varies
from property_tests.simulation.clock import true_time
from property_tests.simulation.kernel import Kernel

#: The header fields by which servers identify versions.
VALIDATORS: Final = ('strong', 'weak', 'modified', 'both', 'none', 'vague')


@dataclass(eq=False)
class Site:
    """The content at a URL: one version after the other, of which the last is current.

    `versions` are the contents with the true time at which each appeared. If `is_coded` is set,
    they are sent as gzip without having been requested. `file_name` is sent with them. With `sums_of` the content is the checksum
    file of another site.
    """

    url: str
    versions: list[tuple[float, bytes]]
    validators: str = 'strong'
    _: KW_ONLY
    has_ranges: bool = True
    is_coded: bool = False
    gives_digest: bool = False
    sums_of: 'Site | None' = None
    file_name: str = ''
    #: What is said of caching.
    profile: int = 0

    @property
    def content(self) -> bytes:
        """The current content."""
        return self.versions[-1][1]

    def in_language(self, content: bytes, language: str) -> bytes:
        """A content of this site as it is for requests with this language."""
        return translate(content, language) if varies(self.profile) else content

    def said(self, kernel: Kernel) -> Said:
        """What is said of caching with the current content."""
        has_modified = self.validators in {'modified', 'both', 'vague'}
        age = timedelta(seconds=kernel.now - self.versions[-1][0])
        modified = true_time(kernel) - age if has_modified else None
        has_date = self.validators != 'vague'
        return say(self.profile, len(self.versions), true_time(kernel), modified, has_date=has_date)

    def resource(self, kernel: Kernel, language: str = '') -> Resource:
        """The current content as an honest server serves it."""
        at, content = self.versions[-1]
        content = self.in_language(content, language)
        if self.sums_of is not None:
            content = f'{sha256(self.sums_of.content).hexdigest()}  t.csv\n'.encode()
        number = len(self.versions)
        changed = format_datetime(
            (true_time(kernel) - timedelta(seconds=kernel.now - at)).replace(microsecond=0),
            usegmt=True,
        )
        kind = self.validators
        tag = f'"v{number}{language if varies(self.profile) else ""}"'
        etag = {'strong': tag, 'both': tag, 'weak': f'W/{tag}'}
        fields = [*self.said(kernel).fields]
        if self.file_name:
            fields.append(('Content-Disposition', f'attachment; filename="{self.file_name}"'))
        if self.is_coded:
            fields.append(('Content-Encoding', 'gzip'))
        elif self.gives_digest:
            digest = b64encode(sha256(content).digest()).decode()
            fields.append(('Repr-Digest', f'sha-256=:{digest}:'))
        return Resource(
            gzip.compress(content, mtime=0) if self.is_coded else content,
            etag=etag.get(kind),
            last_modified=changed if kind in {'modified', 'both', 'vague'} else None,
            fields=tuple(fields),
            has_ranges=self.has_ranges and not self.is_coded,
        )


@dataclass(eq=False)
class Network:
    """The sites by URL.

    `leads_on` says that the first one often redirects, `lacks` that files are often missing.
    """

    sites: dict[str, Site] = field(default_factory=dict)
    leads_on: bool = False
    lacks: bool = False

    def had(self, url: str, content: bytes, language: str, since: float) -> bool:
        """Whether a URL had this content in a language at some time since then."""
        site = self.sites[url]
        ends = [at for at, _ in site.versions[1:]] + [float('inf')]
        return any(
            end >= since and site.in_language(version, language) == content
            for (_, version), end in zip(site.versions, ends, strict=True)
        )

    def contents(self, urls: tuple[str, ...], languages: tuple[str, ...] = LANGUAGES) -> set[bytes]:
        """All complete contents that these URLs ever had in these languages."""
        return {
            site.in_language(content, language)
            for site in (self.sites[url] for url in urls if url in self.sites)
            for language in (languages if varies(site.profile) else languages[:1])
            for _, content in site.versions
        }
