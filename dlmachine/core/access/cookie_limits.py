"""How many cookies are kept.  Pure."""

from typing import Final

from dlmachine.core.frozen import frozen


@frozen
class Limits:
    """How many cookies are kept: of one domain, of all, and their characters."""

    cookies_of_domain: int
    cookies: int
    characters: int


#: RFC 6265 section 6.1 asks for 50 per domain; one download meets few domains. From one response
#: at most as many cookies are read as can be kept.
RUN_LIMITS: Final = Limits(cookies_of_domain=50, cookies=300, characters=131_072)
#: A jar may be that of a browser, which keeps up to 180 of a domain.
JAR_LIMITS: Final = Limits(cookies_of_domain=180, cookies=3_000, characters=4_194_304)
