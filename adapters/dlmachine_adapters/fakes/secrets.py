"""Secrets in memory."""

from dlmachine.core.faults import SecretUnavailable
from dlmachine.core.protocol.effects import ReadSecret
from dlmachine.core.protocol.events import EffectFailed, SecretRead
from dlmachine.core.protocol.ports import Clock


class MemorySecrets:
    """Secrets by their references; each list is read from its first value to its last.

    >>> from datetime import timedelta
    >>> from dlmachine.core.access.secret import Secret
    >>> from dlmachine_adapters.fakes.clock import ManualClock
    >>> kept = MemorySecrets(ManualClock())
    >>> kept.values['env:TOKEN'] = ['old', 'new']
    >>> effect = ReadSecret(secret=Secret(variable='TOKEN'), patience=timedelta(seconds=1))
    >>> [kept.read(effect).value for _ in range(3)]
    ['old', 'new', 'new']
    """

    def __init__(self, clock: Clock) -> None:
        """Start without secrets."""
        self._clock = clock
        self.values: dict[str, list[str]] = {}

    def read(self, effect: ReadSecret) -> SecretRead | EffectFailed:
        """The next value of a secret."""
        source, at = str(effect.secret), self._clock.now()
        values = self.values.get(source)
        if not values:
            fault = SecretUnavailable(source=source, problem='the variable is not set')
            return EffectFailed(at=at, fault=fault)
        return SecretRead(at=at, value=values.pop(0) if len(values) > 1 else values[0])
