"""Locks, which may work, be unsupported, or let every process in."""

from dlmachine.core.faults import LockBusyTooLong
from dlmachine.core.protocol.effects import AcquireLock, ReleaseLock
from dlmachine.core.protocol.events import LockAcquired, LockReleased, LockUnavailable
from dlmachine.core.protocol.ports import Clock
from property_tests.simulation.kernel import Kernel
from property_tests.simulation.processes import Process


class LockTable:
    """The owners of all keys, by folder and key; the system releases the locks of a dead process."""

    def __init__(self, kernel: Kernel, mode: str = 'works') -> None:
        self.mode = mode
        self.owners: dict[tuple[str, str], Process] = {}
        kernel.on_death.append(self._forget)

    def _forget(self, process: Process) -> None:
        for key in [key for key, owner in self.owners.items() if owner is process]:
            del self.owners[key]


class SimLocks:
    """Implements `ports.Locks` for one process."""

    def __init__(self, kernel: Kernel, process: Process, clock: Clock, table: LockTable) -> None:
        self._kernel = kernel
        self._process = process
        self._clock = clock
        self._table = table

    def acquire(self, effect: AcquireLock) -> LockAcquired | LockUnavailable:
        """Wait for the lock, for the patience at most."""
        kernel, owners = self._kernel, self._table.owners
        key = effect.folder, effect.key
        kernel.step('asks for the lock')
        if self._table.mode == 'absent':
            return LockUnavailable(at=self._clock.now(), fault=None)
        if self._table.mode == 'lies':
            return LockAcquired(at=self._clock.now())
        waited = key in owners
        if waited and not kernel.wait(lambda: key not in owners, effect.patience.total_seconds()):
            fault = LockBusyTooLong(key=effect.key, waited=effect.patience, owner=owners[key].name)
            return LockUnavailable(at=self._clock.now(), fault=fault)
        owners[key] = self._process
        kernel.tell('has the lock')
        return LockAcquired(at=self._clock.now(), waited=waited)

    def release(self, effect: ReleaseLock) -> LockReleased:
        """Release the lock; a key that is not locked is ignored."""
        self._kernel.step('gives back the lock')
        key = effect.folder, effect.key
        if self._table.owners.get(key) is self._process:
            del self._table.owners[key]
        return LockReleased(at=self._clock.now())
