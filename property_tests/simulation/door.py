"""A site behind a login: a page with a form, sessions in cookies, and the file that needs one."""

from dataclasses import dataclass, field
from typing import Final

from dlmachine.core.access.auth import Auth, Scheme
from dlmachine.core.access.caller_cookies import Cookies
from dlmachine.core.access.login_recipe import Login
from dlmachine.core.access.secret import Secret
from dlmachine.core.faults import ConnectionFailed
from dlmachine.core.frozen import replace
from dlmachine.core.http.body import FormBody
from dlmachine.core.http.request import Request
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine_adapters.fakes.server import Reply, Turn
from property_tests.simulation.kernel import Kernel
from property_tests.simulation.processes import require
from property_tests.simulation.requests import HOST, URL

LOGIN: Final = f'{HOST}/login'
#: The variable with the password, its value, and another one that it has now and then.
PASSWORD: Final = 'PASSWORD'
RIGHT, WRONG = 'right-password', 'wrong-password'
_JAR: Final = '/data/jar.txt'
#: What a request without a session gets: the login page, a redirect to it, or an error status.
KINDS: Final = ('page', 'redirect', 'page', '401', '403', 'page')
#: How many seconds a session lasts.
_LASTS: Final = (5.0, 60.0, 86_400.0, 86_400.0)
_AUTH: Final = Auth(
    scheme=Scheme.LOGIN,
    recipe=Login(
        LOGIN, (('user', Secret(text='me')), ('password', Secret(variable=PASSWORD))), token='csrf'
    ),
)


@dataclass(eq=False)
class Door:
    """The login of the first URL; `kind` is what a request without a session gets.

    `sessions` are the times until which they last. After `is_lasting` is set, none ends.
    """

    kernel: Kernel
    kind: str
    seconds: float
    sessions: dict[str, float] = field(default_factory=dict)
    is_lasting: bool = False

    def turn(self, request: Request, drawn: int) -> Turn | None:
        """The response to a request of the login page, or of one who has not logged in.

        The last numbers of `drawn` make it fail.
        """
        if request.url == LOGIN:
            if drawn >= 240:
                return ConnectionFailed(url='', phase='receive')
            return Reply(status=503) if drawn >= 220 else self._log_in(request)
        if request.url != URL or self._is_open(request):
            return None
        match self.kind:
            case 'page':
                return _page('0')
            case 'redirect':
                return Reply(status=302, fields=(('Location', '/login'),))
            case _:
                return Reply(status=int(self.kind))

    def forget(self) -> None:
        """End all sessions; those that begin from now on last."""
        self.sessions.clear()
        self.is_lasting = True

    def _is_open(self, request: Request) -> bool:
        until = self.sessions.get(_cookie(request, 'sid'), float('-inf'))
        return self.kernel.now < until

    def _log_in(self, request: Request) -> Reply:
        if not isinstance(request.body, FormBody):
            return _page(str(len(self.sessions)))
        sent = dict(request.body.pairs)
        if sent.get('csrf') != _cookie(request, 'csrf') or sent.get('user') != 'me':
            return Reply(status=403)
        if sent.get('password') != RIGHT:
            return _page(sent['csrf'])
        name = f'session-{len(self.sessions)}-{self.kernel.steps}'
        self.sessions[name] = float('inf') if self.is_lasting else self.kernel.now + self.seconds
        return Reply(fields=(('Set-Cookie', f'sid={name}; Path=/'),), body=b'<p>welcome</p>')


def draw_door(kernel: Kernel, drawn: int) -> Door:
    """The door for a number."""
    return Door(kernel, KINDS[drawn % len(KINDS)], _LASTS[drawn // 2 % len(_LASTS)])


def behind(descriptor: Descriptor) -> Descriptor:
    """The download of one who logs in, with a jar that all processes share."""
    headers = descriptor.headers.without('Accept-Language', 'Cache-Control')
    return replace(
        descriptor, headers=headers, key_by_vary=False, auth=_AUTH, cookies=Cookies(jar=_JAR)
    )


def check_sent(request: Request) -> None:
    """Neither the password nor a session is sent to another host, or in a URL."""
    is_at_home = request.url.startswith(f'{HOST}/')
    require(is_at_home or not _cookie(request, 'sid'), f'a session was sent to {request.url}')
    pairs = request.body.pairs if isinstance(request.body, FormBody) else ()
    is_form = any(value in {RIGHT, WRONG} for _, value in pairs)
    require(not is_form or request.url == LOGIN, f'a password was sent to {request.url}')
    require(RIGHT not in request.url, 'a password was sent in a URL')


def is_form(request: Request) -> bool:
    """Whether a request is that of the filled form."""
    return request.url == LOGIN and request.method == 'POST'


def _page(token: str) -> Reply:
    page = (
        '<!DOCTYPE html><title>Log in</title><form method="post">'
        f'<input type="hidden" name="csrf" value="{token}"><input name="user">'
        '<input type="password" name="password"></form>'
    )
    fields = (('Content-Type', 'text/html'), ('Set-Cookie', f'csrf={token}; Path=/login'))
    return Reply(fields=fields, body=page.encode())


def _cookie(request: Request, name: str) -> str:
    pairs = (one.partition('=') for one in (request.headers.get('Cookie') or '').split('; '))
    return next((value for key, _, value in pairs if key == name), '')
