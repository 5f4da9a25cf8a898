"""Sites that one logs in to by a web page: Django, Earthdata, and a page that asks for consent."""

import html
from itertools import count
from urllib.parse import parse_qs, quote, urlsplit

from tests.servers.http import Asked, Handler, Server, Wire

USER, PASSWORD = 'me', 'planted-password'
_PAGE = (
    '<html><head><meta charset="utf-8"><title>Log in</title></head><body>'
    '<form action="/search"><input name="q"></form>'
    '<form method="POST" action="{action}">'
    '<input type="hidden" name="csrfmiddlewaretoken" value="{token}">'
    '<input name="username"><input type="password" name="password">'
    '<input type="hidden" name="next" value="{next}">'
    '<input type="submit" name="go" value="Log in"></form>{problem}</body></html>'
)


class Django:
    """A site with `django.contrib.auth`: a token in a cookie and in the form, then a session.

    `logins` counts the forms that were sent; `end_sessions` makes the site forget who logged in.
    """

    def __init__(self, server: Server, inside: Handler, *, path: str = '/accounts/login/') -> None:
        self._server, self._path = server, path
        self._numbers = count(1)
        self._sessions: set[str] = set()
        self.logins = 0
        server.on(path, self._login)
        server.on('/', lambda asked, wire: wire.respond(200, (), b'<p>Log out</p>'))
        self.url = self.on('/data', inside)

    @property
    def login_url(self) -> str:
        """The URL of the login page."""
        return self._server.url(self._path)

    def knows(self, asked: Asked) -> bool:
        """Whether a request is of one who has logged in."""
        return _cookie(asked, 'sessionid') in self._sessions

    def on(self, path: str, inside: Handler) -> str:
        """A file for those who have logged in."""

        def handle(asked: Asked, wire: Wire) -> None:
            if self.knows(asked):
                inside(asked, wire)
            else:
                wire.head(302, (('Location', f'{self._path}?next={quote(path)}'),))

        return self._server.on(path, handle)

    def end_sessions(self) -> None:
        """Forget who logged in."""
        self._sessions.clear()

    def _login(self, asked: Asked, wire: Wire) -> None:
        following = parse_qs(urlsplit(asked.target).query).get('next', ['/'])[0]
        if asked.method == 'GET':
            self._show(wire, following, '')
            return
        self.logins += 1
        sent = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        token = _cookie(asked, 'csrftoken')
        is_own = token and sent.get('csrfmiddlewaretoken') == token
        if not is_own or self._server.url('/') not in (asked.get('Referer') or ''):
            wire.respond(403, (), b'CSRF verification failed')
        elif (sent.get('username'), sent.get('password')) != (USER, PASSWORD):
            self._show(wire, following, '<p class="error">Please enter a correct password</p>')
        else:
            session = f'planted-session-{next(self._numbers)}'
            self._sessions.add(session)
            fields = (
                ('Set-Cookie', f'sessionid={session}; Path=/; HttpOnly'),
                ('Location', sent['next']),
            )
            wire.head(302, fields)

    def _show(self, wire: Wire, following: str, problem: str) -> None:
        token = f'planted-token-{next(self._numbers)}'
        page = _PAGE.format(
            action='', token=token, next=html.escape(following), problem=problem
        ).encode()
        fields = (('Set-Cookie', f'csrftoken={token}; Path=/'), ('Content-Type', 'text/html'))
        wire.respond(200, fields, page)


def earthdata(data: Server, login: Server, inside: Handler, basic: str) -> str:
    """A file of a data centre, which redirects to the host that knows the users.

    That host asks for Basic, sets a cookie of its own, and redirects back with a code, for which
    the data centre sets its own cookie. It is called localhost, as cookies do not know ports.
    """
    back = data.url('/callback?code=planted-code')

    def oauth(asked: Asked, wire: Wire) -> None:
        if asked.get('Authorization') != basic:
            wire.respond(401, (('WWW-Authenticate', 'Basic realm="Earthdata"'),), b'log in')
        else:
            wire.head(302, (('Location', back), ('Set-Cookie', 'urs=planted-urs; Path=/')))

    def callback(asked: Asked, wire: Wire) -> None:
        fields = (('Location', '/granule.h5'), ('Set-Cookie', 'daac=planted-daac; Path=/'))
        wire.head(302, fields)

    def granule(asked: Asked, wire: Wire) -> None:
        if _cookie(asked, 'daac') == 'planted-daac':
            inside(asked, wire)
        else:
            wire.head(
                302, (('Location', f'http://localhost:{login.port}/oauth/authorize?client_id=1'),)
            )

    login.on('/oauth/authorize', oauth)
    data.on('/callback', callback)
    return data.on('/granule.h5', granule)


def consent(server: Server, inside: Handler) -> tuple[str, str]:
    """A file behind a page that asks for consent; the URLs of both."""
    page = (
        b'<form method=post action=/agree><input type=checkbox name=terms value=yes>'
        b'<input type=hidden name=visit value=7></form>'
    )

    def agree(asked: Asked, wire: Wire) -> None:
        if parse_qs(asked.body.decode()) == {'terms': ['yes'], 'visit': ['7']}:
            wire.respond(200, (('Set-Cookie', 'consent=given; Path=/'),), b'<p>Thank you</p>')
        else:
            wire.respond(200, (('Content-Type', 'text/html'),), page)

    def file(asked: Asked, wire: Wire) -> None:
        given = _cookie(asked, 'consent') == 'given'
        if given:
            inside(asked, wire)
        else:
            wire.respond(200, (('Content-Type', 'text/html'),), page)

    server.on(
        '/terms', lambda asked, wire: wire.respond(200, (('Content-Type', 'text/html'),), page)
    )
    server.on('/agree', agree)
    return server.on('/data.tsv', file), server.url('/terms')


def _cookie(asked: Asked, name: str) -> str:
    pairs = (pair.partition('=') for pair in (asked.get('Cookie') or '').split('; '))
    return next((value for key, _, value in pairs if key == name), '')
