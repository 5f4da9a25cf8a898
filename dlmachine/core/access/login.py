"""Write the Authorization of a request, and react to a server that refuses it.

Pure. Credentials are sent at once, except those of Digest, which need a challenge. A challenge is
answered once for each nonce, so that a wrong password costs one refusal and locks no account.
"""

from dataclasses import field
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from dlmachine.core.access.auth import DEFAULT_AUTH, Auth, Scheme
from dlmachine.core.access.challenges import Challenge, parse_challenges
from dlmachine.core.access.digest import DigestChallenge, answer_digest, choose_digest
from dlmachine.core.faults import SecretUnavailable
from dlmachine.core.frozen import frozen, replace
from dlmachine.core.http.body import Body, MultipartBody, NoBody
from dlmachine.core.http.request import HTTP_SCHEMES, Request, basic_field
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.http.url import parse_url
from dlmachine.core.text.control_chars import find_not_latin

_FIELD: Final = 'Authorization'
UNAUTHORIZED: Final = 401
#: Schemes whose user and password are in the URL of the request.
URL_LOGINS: Final = frozenset({'ftp', 'ftps', 'sftp'})
#: The challenges that a run answers; a server may let a nonce expire now and then.
MAX_ANSWERS: Final = 8


@frozen
class Credentials:
    """What a run knows of its credentials: the secret as it was read, and the latest challenge.

    `chance` makes the client's nonces. `refused` is the secret that the server refused, after which
    a reference is read again, once.
    """

    auth: Auth = Auth()
    origin: tuple[str, str, int | None] = ('', '', None)
    chance: float = 0.0
    secret: str | None = field(default=None, repr=False)
    refused: str | None = field(default=None, repr=False)
    challenge: DigestChallenge | None = None
    answers: int = 0

    @property
    def needs_secret(self) -> bool:
        """Whether a secret must be read before a request is sent."""
        return self.auth.secret is not None and self.secret is None

    def with_secret(self, value: str) -> 'Credentials | SecretUnavailable':
        """The same with the secret as it was read; a token that cannot be sent is a fault."""
        fault = find_not_latin('it', value) if self.auth.scheme is Scheme.BEARER else None
        if fault is None:
            return replace(self, secret=value)
        return SecretUnavailable(source=str(self.auth.secret), problem=f'it {fault.problem}')

    def sign(self, request: Request) -> Request:
        """The request with its credentials, if it goes to their origin and has no others."""
        scheme, origin = self.auth.scheme, request.location.origin
        if scheme is Scheme.NETRC:
            return replace(request, netrc=self.auth.path)
        if scheme is Scheme.NONE:
            return replace(request, netrc=None)
        if request.is_signed:
            request = replace(request, headers=request.headers.without(_FIELD), is_signed=False)
        if self.secret is not None and origin == self.origin and origin[0] in URL_LOGINS:
            return self._in_url(request, self.secret)
        is_meant = origin == self.origin and origin[0] in HTTP_SCHEMES
        if self.secret is None or not is_meant or _FIELD in request.headers:
            return request
        value = self._credentials(request, self.secret)
        hidden = tuple(sorted({*request.hidden, self.secret}))
        if value is None:
            return replace(request, hidden=hidden)
        return replace(request.with_header(_FIELD, value), hidden=hidden, is_signed=True)

    def _in_url(self, request: Request, secret: str) -> Request:
        url, user = request.location, self.auth.user
        if self.auth.scheme is not Scheme.BASIC or url.userinfo:
            return request
        userinfo = f'{quote(user, safe="")}:{quote(secret, safe="")}'
        hidden = tuple(sorted({*request.hidden, secret, quote(secret, safe='')}))
        named = str(replace(url, userinfo=userinfo))
        return replace(request, url=named, hidden=hidden, is_signed=True)

    def _credentials(self, request: Request, secret: str) -> str | None:
        user, challenge = self.auth.user, self.challenge
        match self.auth.scheme:
            case Scheme.BASIC:
                return basic_field(f'{user}:{secret}'.encode())
            case Scheme.BEARER:
                return f'Bearer {secret}'
            case _ if challenge is not None:
                drawn = f'{self.chance!r}/{challenge.nonce}/{challenge.count}/{request.url}'
                cnonce = sha256(drawn.encode()).hexdigest()[:32]
                method, url, body = request.method, request.location, _bytes_of(request.body)
                return answer_digest(challenge, user, secret, method, url, cnonce, body)
            case _:
                return None


def login_of(auth: Auth, url: str, chance: float) -> Credentials | None:
    """The credentials at the start of a run, for the URL that `auth` was passed with.

    None by default, and for a login by a form, whose session is in cookies.
    """
    if auth == DEFAULT_AUTH or auth.recipe is not None:
        return None
    secret = auth.secret
    is_known = secret is not None and not secret.is_reference
    text = secret.text if secret is not None and is_known else None
    return Credentials(auth=auth, origin=parse_url(url).unwrap().origin, chance=chance, secret=text)


def react(login: Credentials, request: Request, head: ResponseHead) -> Credentials | None:
    """The credentials for another request after a 401; None if it would be refused again.

    A new challenge of Digest is answered; a reference is read again, once, because a token may have
    expired. Nothing is tried twice with the same credentials.
    """
    if head.status != UNAUTHORIZED or request.location.origin != login.origin:
        return None
    secret = login.auth.secret
    if secret is None:
        return None
    if login.auth.scheme is Scheme.DIGEST:
        asked = choose_digest(challenges_of(head))
        if (
            asked is not None
            and asked.qop == 'auth-int'
            and isinstance(request.body, MultipartBody)
        ):
            return None  # Its files are only read when they are sent.
        known = login.challenge
        is_new = known is None or (
            asked is not None and asked.is_stale and asked.nonce != known.nonce
        )
        if asked is not None and is_new and login.answers < MAX_ANSWERS:
            return replace(login, challenge=asked, answers=login.answers + 1)
    if secret.is_reference and login.refused is None and request.is_signed:
        return replace(login, secret=None, refused=login.secret, challenge=None)
    return None


def _bytes_of(body: Body) -> bytes:
    return b'' if isinstance(body, (NoBody, MultipartBody)) else body.encoded()


def counted(login: Credentials) -> Credentials:
    """The same after a request: each use of a nonce has its own number (RFC 7616 section 3.4)."""
    challenge = login.challenge
    if challenge is None:
        return login
    return replace(login, challenge=replace(challenge, count=challenge.count + 1))


def challenges_of(head: ResponseHead) -> tuple[Challenge, ...]:
    """The challenges of a response."""
    return parse_challenges(head.headers.get_all('WWW-Authenticate'))
