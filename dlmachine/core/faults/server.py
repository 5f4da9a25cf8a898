"""Faults of the server: it responded, but not with the requested file.  Pure."""

import json
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from dlmachine.core.faults.base import FaultBase, Party
from dlmachine.core.faults.printing import printable
from dlmachine.core.faults.remedies import IF_PROXY
from dlmachine.core.frozen import frozen

#: A time in UTC, as messages show it.
_MINUTE: Final = '%Y-%m-%d %H:%M UTC'


@frozen
class HttpStatus(FaultBase):
    """The server responded with an error status (RFC 9110 sections 15.5 and 15.6, or of FTP).

    `body` is the beginning of the response's body, if it is text: at most 4 KiB, with secrets
    masked. `detail` summarizes it in one line. `headers` are the fields of the response, with
    secrets masked, if any status was asked for. A remembered answer has been `known_since` a time,
    and the server is asked again after `known_until`.
    """

    party = Party.SERVER
    code = 'http_status'
    url: str
    status: int
    reason: str = ''
    retry_after: timedelta | None = None
    body: str = ''
    detail: str = ''
    headers: tuple[tuple[str, str], ...] = ()
    known_since: datetime | None = None
    known_until: datetime | None = None
    #: The schemes that a 401 asks for, with their realms, and the credentials that were sent.
    asks_for: tuple[str, ...] = ()
    sent: str = ''
    #: The proxy that forwarded the request and could have answered it, with its login masked.
    proxy: str = ''

    @property
    def json(self) -> Any:
        """The body parsed as JSON; None if it is not JSON, or incomplete.

        >>> HttpStatus(url='', status=400, body='{"why": 7}').json
        {'why': 7}
        """
        try:
            return json.loads(self.body, strict=False)
        except (ValueError, RecursionError):
            return None

    def what(self) -> str:
        if self.known_since is not None:
            since = f'since {self.known_since:{_MINUTE}}, when the server answered {self.status}'
            return f'{self.url}: known to be missing {since}'
        status = f'{self.url}: the server answered {self.status} {self.reason}'.rstrip()
        status = f'{status}: {self.detail}' if self.detail else status
        if self.proxy:
            status = f'{status} (through the proxy {self.proxy}, which may have answered itself)'
        if self.status != 401:
            return status
        asked = f'; it asks for {" or ".join(self.asks_for)}' if self.asks_for else ''
        return f'{status} (sent: {self.sent or "no credentials"}{asked})'

    def remedy(self) -> str:
        if self.known_until is not None:
            return (
                f'It is not asked again before {self.known_until:{_MINUTE}}; '
                'to ask now, pass force_download=True'
            )
        if self.status == 429 and self.retry_after is not None:
            return f'Try again in {self.retry_after.total_seconds():g} s, as the server asks'
        if self.status == 401 and (self.sent or self.asks_for):
            return _remedy_for_login(self.sent.partition(' ')[0], self.asks_for)
        is_store = self.url.partition(':')[0].lower() not in _SERVER_SCHEMES
        if is_store and self.status in _STORE_REMEDIES:
            return _STORE_REMEDIES[self.status]
        usual = _STATUS_REMEDIES.get(
            self.status, 'Try later, or add a mirror with mirrors=' * (self.status >= 500)
        )
        return f'{usual}; {IF_PROXY}' if self.proxy else usual


@frozen
class LoginFailed(FaultBase):
    """A login by a form has not worked; `url` is that of the login page."""

    party = Party.SERVER
    code = 'login_failed'
    url: str
    problem: str

    def what(self) -> str:
        return f'{self.url}: the login has not worked: {self.problem}'

    def remedy(self) -> str:
        found = (advice for words, advice in _FORM_REMEDIES.items() if words in self.problem)
        return next(found, 'Check the values of form=')


#: The remedy for each problem of a login by a form; the first match counts.
_FORM_REMEDIES: Final = {
    'does not contain': 'Check the values of form=, and whether that page has the text of check=',
    'does not get': 'Pass the URL of the page that has the form, on the host that gets it',
    'no form': 'Pass the URL of the page that has the form, or the cookies of a browser (cookies=)',
    'field': 'Check the names in form= and token=',
    'too large': 'Pass the URL of the page that has the form',
}


def _remedy_for_login(sent: str, asks_for: tuple[str, ...]) -> str:
    schemes = [one.partition(' ')[0].lower() for one in asks_for]
    if sent and (sent in schemes or not schemes):
        return 'Check the user, the password or the token of auth='
    for scheme, example in _LOGINS.items():
        if scheme in schemes:
            return f'Pass {example}'
    advice = 'log in with a program of the service, or ask its operators'
    return f'None of these schemes is supported: {advice}'


_LOGINS: Final = {
    'digest': "auth={'digest': (user, password)}",
    'bearer': "auth={'bearer': 'env:NAME'}",
    'basic': 'auth=(user, password)',
}
_STATUS_REMEDIES: Final = {
    401: "Pass auth=(user, password), or auth={'bearer': 'env:NAME'}",
    403: 'Check the credentials (auth=), and user_agent=: some servers refuse unknown programs',
    404: 'Check the URL, or add a mirror with mirrors=',
    405: 'This URL does not accept the method: check the URL and method=',
    407: 'A proxy behind the server asks for a login: tell the operators of the server',
    410: 'The file is gone for good: look for another source, or add a mirror with mirrors=',
    429: 'Send fewer requests: set rate= or max_per_host=',
    501: 'The server does not know the method: check the URL and method=',
}


_SERVER_SCHEMES: Final = frozenset({'http', 'https', 'ftp', 'ftps', 'sftp', 'scp', ''})
_STORE_REMEDIES: Final = {
    403: 'Check the credentials: storage_options=, the environment, and the profile that the '
    'package for this store reads',
    404: 'Check the bucket, the name of the file and storage_options=, or add a mirror with '
    'mirrors=',
}


@frozen
class RedirectRefused(FaultBase):
    """A redirect that is not followed: a loop, too many, a downgrade, another scheme."""

    party = Party.SERVER
    code = 'redirect_refused'
    url: str
    location: str
    problem: str

    def what(self) -> str:
        to = f' to {self.location}' if self.location else ''
        return f'{self.url}: redirect{to} refused: {self.problem}'

    def remedy(self) -> str:
        if not self.location:
            return _TELL
        return 'If the new URL is right, request it directly'


@frozen
class AnswerUnusable(FaultBase):
    """A response that makes no sense for the request, so its body cannot be data."""

    party = Party.SERVER
    code = 'answer_unusable'
    url: str
    problem: str

    def what(self) -> str:
        return f'{self.url}: {self.problem}'

    def remedy(self) -> str:
        return _TELL


@frozen
class BodyTooLarge(FaultBase):
    """The body, or its declared size, is larger than `max_bytes`."""

    party = Party.SERVER
    code = 'body_too_large'
    url: str
    limit_bytes: int
    size_bytes: int | None

    def what(self) -> str:
        size = '' if self.size_bytes is None else f'{self.size_bytes:,} bytes, '
        return f'{self.url}: the body has {size}more than the {self.limit_bytes:,} bytes allowed'

    def remedy(self) -> str:
        return 'Raise max_bytes= if the file may be that large'


@frozen
class DigestMismatch(FaultBase):
    """The received bytes, or those of a file to adopt at `path`, have another digest."""

    party = Party.SERVER
    code = 'digest_mismatch'
    url: str
    algorithm: str
    expected: str
    actual: str
    #: The source of the expected digest: a header field or a checksum file; empty: the caller.
    source: str = ''
    path: str = ''

    def what(self) -> str:
        by = f' ({self.source})' if self.source else ''
        about = printable(self.path) or self.url
        return f'{about}: {self.algorithm} is {self.actual}, expected {self.expected}{by}'

    def remedy(self) -> str:
        if self.path:
            return 'It is another file, or the checksum is wrong; it was not recorded'
        changed = 'file changed or was damaged on the way; nothing was kept'
        if self.source:
            return f'The {changed}'
        return f'Check the checksum; if it is right, the {changed}'


@frozen
class LockMismatch(FaultBase):
    """The received bytes are not those that the lockfile of the manifest has for this entry."""

    party = Party.SERVER
    code = 'lock_mismatch'
    url: str
    entry: str
    lock: str
    expected: str
    actual: str

    def what(self) -> str:
        differ = f'sha256 is {self.actual}, but {printable(self.lock)} has {self.expected}'
        return f'{self.url}: {differ} for entry {self.entry!r}'

    def remedy(self) -> str:
        import shlex  # Imported late, because this is rarely needed.

        words = ('lock', self.lock.removesuffix('.lock'), '--upgrade-entry', self.entry)
        accept = f'If the new bytes are right, accept them: dlmachine {shlex.join(words)}'
        return f'Nothing was kept. {accept}'


@frozen
class ContentRefused(FaultBase):
    """The body is complete but not the requested content: an error page, too small, damaged."""

    party = Party.SERVER
    code = 'content_refused'
    url: str
    problem: str
    #: The option that refused it.
    option: str = 'check_content'
    #: The proxy that forwarded the response and could have written it, with its login masked.
    proxy: str = ''

    def what(self) -> str:
        through = f'; it came through the proxy {self.proxy}' if self.proxy else ''
        return f'{self.url}: the body {self.problem}{through}'

    def remedy(self) -> str:
        if self.proxy:
            return (
                'If the proxy wrote it, log in to it in a browser, or list the host in no_proxy=; '
                f'if the content is right, {_UNLESS[self.option]}'
            )
        return f'Check what the server sends; if the content is right, {_UNLESS[self.option]}'


_TELL: Final = 'Tell the operators of the server, or add a mirror with mirrors='
_UNLESS: Final = {
    'check_content': 'pass check_content=False',
    'min_bytes': 'lower min_bytes=',
    'validate': 'change the function that refuses it: validate=',
}


ServerFault: TypeAlias = (
    HttpStatus
    | RedirectRefused
    | AnswerUnusable
    | BodyTooLarge
    | DigestMismatch
    | LockMismatch
    | ContentRefused
    | LoginFailed
)
