"""Cookie jars in memory."""

from dlmachine.core.access.cookie_field import receive_cookies
from dlmachine.core.access.cookie_jar import as_kept
from dlmachine.core.access.cookies import CookieStore
from dlmachine.core.access.set_cookie import JAR_LIMITS
from dlmachine.core.faults import Fault, JarUnusable
from dlmachine.core.http.request import Request
from dlmachine.core.http.response import ResponseHead
from dlmachine.core.protocol.effects import ReadCookies
from dlmachine.core.protocol.events import CookiesRead, EffectFailed
from dlmachine.core.protocol.ports import Clock


class MemoryCookies:
    """Jars by their paths; a jar in `problems` cannot be used.

    A caller's own cookies that are references are read as they are written.
    """

    def __init__(self, clock: Clock) -> None:
        """Start without cookies."""
        self._clock = clock
        self.jars: dict[str, CookieStore] = {}
        self.problems: dict[str, str] = {}

    def read(self, effect: ReadCookies) -> CookiesRead | EffectFailed:
        """The caller's cookies, and those of the jar."""
        wanted, at = effect.cookies, self._clock.now()
        jar = wanted.jar or ''
        fault = self._fault_of(jar)
        if fault is not None:
            return EffectFailed(at=at, fault=fault)
        own = tuple((name, one.text or str(one)) for name, one in wanted.own)
        return CookiesRead(at=at, own=own, kept=self._store(jar))

    def keep(self, jar: str, request: Request, head: ResponseHead) -> Fault | None:
        """Keep the cookies of a response."""
        fault = self._fault_of(jar)
        if fault is None:
            received = receive_cookies(self._store(jar), request, head, self._clock.now())
            self.jars[jar] = as_kept(received)
        return fault

    def _store(self, jar: str) -> CookieStore:
        return self.jars.get(jar, CookieStore(limits=JAR_LIMITS))

    def _fault_of(self, jar: str) -> JarUnusable | None:
        problem = self.problems.get(jar)
        return None if problem is None else JarUnusable(path=jar, problem=problem)
