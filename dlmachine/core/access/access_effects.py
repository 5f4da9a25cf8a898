"""The effects that find out who the client is: secrets, cookies, and logins by forms.  Pure."""

from datetime import datetime, timedelta

from dlmachine.core.access.caller_cookies import Cookies
from dlmachine.core.access.login_recipe import Login
from dlmachine.core.access.secret import Secret
from dlmachine.core.frozen import frozen
from dlmachine.core.http.request import Tls


@frozen
class ReadSecret:
    """Read a password or a token, again after a refusal, within `patience`.  `SecretRead`."""

    secret: Secret
    patience: timedelta
    is_again: bool = False


@frozen
class ReadCookies:
    """Read a caller's cookies and those of jars, within `patience`.  `CookiesRead`."""

    cookies: Cookies
    patience: timedelta


@frozen
class LogIn:
    """Log in by a form, by downloads of their own, and read the session's cookies.  `LoggedIn`.

    A login that another thread has finished after `since` is used.
    """

    login: Login
    cookies: Cookies
    tls: Tls
    since: datetime
    patience: timedelta
