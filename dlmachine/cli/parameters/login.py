"""The flags for logins, by the names of curl and wget.

A token is never an argument, because other users can read the arguments of a program.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import click

from dlmachine.cli.parameters.values import FILE, Completed, ask_password
from dlmachine.core.frozen import replace

Decorated = TypeVar('Decorated', bound=Callable[..., Any])
#: The section of the help.
_SECTION = 'Login'


def login_options(own_option: Callable[..., Callable[[Decorated], Decorated]]) -> list[Any]:
    """The options for logins."""
    return [
        own_option(
            '-u',
            '--user',
            section=_SECTION,
            type=Completed(),
            metavar='USER[:PASSWORD]',
            help='User and password for the host of the URL; asks for the password without one.',
        ),
        own_option(
            '--digest', section=_SECTION, is_flag=True, help='With --user: log in by Digest.'
        ),
        own_option(
            '--bearer-env',
            section=_SECTION,
            metavar='NAME',
            help='Environment variable with a token for the host of the URL.',
        ),
        own_option(
            '--bearer-file',
            section=_SECTION,
            type=FILE,
            metavar='FILE',
            help='File with a token for the host of the URL.',
        ),
        own_option(
            '-n/ ',
            '--netrc/--no-netrc',
            'netrc',
            section=_SECTION,
            default=None,
            help='Log in by the netrc file, which is the default; or never.',
        ),
        own_option(
            '--netrc-file',
            section=_SECTION,
            type=FILE,
            metavar='FILE',
            help='File of logins instead of ~/.netrc.',
        ),
        own_option(
            '--login-url',
            section=_SECTION,
            type=Completed(),
            metavar='URL',
            help='Page with a form to log in by; the session is kept for all downloads.',
        ),
        own_option(
            '--login-form',
            section=_SECTION,
            type=Completed(),
            multiple=True,
            metavar='NAME=VALUE',
            help='Field of the form; env:NAME and file:FILE are read, and without a value it is '
            'asked for.',
        ),
        own_option(
            '--login-token',
            section=_SECTION,
            metavar='NAME',
            help='Hidden field, or meta element, that the page must have.',
        ),
        own_option(
            '--login-check',
            section=_SECTION,
            metavar='TEXT',
            help='Text on the page after the login, which shows that it has worked.',
        ),
        own_option(
            '--pass',
            'key_password',
            section=_SECTION,
            metavar='PASSWORD',
            help='Password of the key of --cert; env:NAME and file:FILE read it.',
        ),
        own_option(
            '-b',
            '--cookie',
            section=_SECTION,
            type=FILE,
            metavar='DATA|FILE',
            help='Cookies for the host of the URL (NAME=VALUE; ...), or a file of cookies to read.',
        ),
        own_option(
            '-c',
            '--cookie-jar',
            section=_SECTION,
            type=FILE,
            metavar='FILE',
            help='File from which cookies are read, and to which those of responses are written.',
        ),
    ]


def cookies_of(given: Mapping[str, Any]) -> Any:
    """The `cookies` of a command line; None if it has none.  Raises: UsageError.

    As in curl, `--cookie` is the cookies themselves if it contains `=`, otherwise a file.
    """
    from returns.pipeline import is_successful

    from dlmachine.core.access.caller_cookies import Cookies, parse_cookie_pairs
    from dlmachine.paths import absolute

    text, jar = given.get('cookie'), given.get('cookie_jar')
    if text is None and jar is None:
        return None
    cookies = Cookies()
    if jar is not None:
        if jar in {'', '-'}:
            msg = '--cookie-jar needs the path of a file'
            raise click.UsageError(msg)
        cookies = Cookies(jar=absolute(jar))
    if text is None:
        return cookies
    if '=' not in text:
        if not text:
            msg = '--cookie needs NAME=VALUE or the path of a file'
            raise click.UsageError(msg)
        return replace(cookies, sources=(absolute(text),))
    parsed = parse_cookie_pairs(text, '--cookie')
    if not is_successful(parsed):
        raise click.UsageError(str(parsed.failure()))
    return replace(cookies, own=parsed.unwrap().own)


def certificate_of(given: Mapping[str, Any]) -> dict[str, str]:
    """The client certificate of a command line, and its password.  Raises: UsageError."""
    if not given.get('cert'):
        return {}
    path, password = split_certificate(given['cert'])
    if password is None:
        return {'cert': path}
    if given.get('key_password') is not None:
        msg = '--cert FILE:PASSWORD and --pass exclude each other'
        raise click.UsageError(msg)
    return {'cert': path, 'key_password': password}


def split_certificate(text: str) -> tuple[str, str | None]:
    r"""The path and the password of `FILE:PASSWORD`; in the path, `\:` is a colon, as in curl.

    >>> split_certificate('me.pem'), split_certificate('me.pem:env:WORD')
    (('me.pem', None), ('me.pem', 'env:WORD'))
    >>> split_certificate(r'a\:b.pem:x:y'), split_certificate(r'C:\me.pem')
    (('a:b.pem', 'x:y'), ('C:\\me.pem', None))
    """
    drive = 2 if _DRIVE.match(text) else 0
    found = _COLON.search(text, drive)
    path = text if found is None else text[: found.start()]
    path = path[:drive] + _ESCAPED.sub(r'\1', path[drive:])
    return path, None if found is None else text[found.end() :]


#: A drive of Windows; a colon without a backslash before it; and what a backslash escapes.
_DRIVE: Final = re.compile(r'[A-Za-z]:[\\/]')
_COLON: Final = re.compile(r'(?<!\\):')
_ESCAPED: Final = re.compile(r'\\(:)')


def auth_of(given: Mapping[str, Any]) -> Any:
    """The `auth` of a command line; None if it has none.  Raises: UsageError."""
    ways = {
        '--user': given.get('user'),
        '--bearer-env': given.get('bearer_env'),
        '--bearer-file': given.get('bearer_file'),
        '--netrc-file': given.get('netrc_file'),
        '--login-url': given.get('login_url'),
    }
    chosen = [name for name, value in ways.items() if value is not None]
    if len(chosen) > 1:
        msg = f'{" and ".join(chosen)} exclude each other'
        raise click.UsageError(msg)
    if given.get('digest') and chosen != ['--user']:
        msg = '--digest needs --user'
        raise click.UsageError(msg)
    if chosen != ['--login-url']:
        _check_without_form(given)
    if not chosen:
        return {True: 'netrc', False: False}.get(given.get('netrc'))  # type: ignore[arg-type]
    if chosen == ['--user']:
        return {'digest' if given.get('digest') else 'basic': _login(given['user'])}
    if chosen == ['--login-url']:
        return {'login': _recipe(given)}
    name, value = chosen[0], str(ways[chosen[0]])
    if name == '--netrc-file':
        return {'netrc': value}
    return {'bearer': f'{"env" if name == "--bearer-env" else "file"}:{value}'}


def _check_without_form(given: Mapping[str, Any]) -> None:
    for name in ('form', 'token', 'check'):
        if given.get(f'login_{name}'):
            msg = f'--login-{name} needs --login-url'
            raise click.UsageError(msg)


def _recipe(given: Mapping[str, Any]) -> dict[str, Any]:
    """The login by a form of a command line, as a mapping for `auth`."""
    form = {}
    for text in given['login_form']:
        name, equals, value = text.partition('=')
        if not name:
            msg = f"--login-form must be NAME=VALUE, not '{text}'"
            raise click.UsageError(msg)
        form[name] = value if equals else ask_password(name)
    if not form:
        msg = '--login-url needs the fields of the form: --login-form NAME=VALUE'
        raise click.UsageError(msg)
    texts = {name: given[f'login_{name}'] or '' for name in ('token', 'check')}
    return {'url': given['login_url'], 'form': form, **texts}


def _login(text: str) -> tuple[str, str]:
    user, colon, password = text.partition(':')
    return user, password if colon else ask_password(user)
