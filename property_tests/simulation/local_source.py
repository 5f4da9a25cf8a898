"""A file of this computer as the source: it changes in place, also while it is read."""

from typing import Any, Final

from dlmachine.core.frozen import replace
from dlmachine.core.network.network import NO_NETWORK
from dlmachine.core.protocol.effects import Exchange
from dlmachine.core.protocol.events import Interrupted, Responded
from dlmachine.core.protocol.exchange_context import UNLIMITED, ExchangeContext
from dlmachine.core.protocol.ports import Sink
from dlmachine.core.spec.descriptor import Descriptor
from dlmachine.core.spec.policy import Policy
from dlmachine_adapters.local_backend import LocalTransport
from property_tests.simulation.clock import SimClock
from property_tests.simulation.disk import coarse
from property_tests.simulation.kernel import Kernel
from property_tests.simulation.processes import require

SOURCE: Final = '/share/t.csv'
LOCAL: Final = f'file://{SOURCE}'


class Source:
    """The file on the simulated disk."""

    def __init__(self, kernel: Kernel, content: bytes) -> None:
        kernel.disk.make_folder('/share')
        self._kernel = kernel
        self._inode = kernel.disk.create(SOURCE)
        self._content = content
        kernel.disk.append(self._inode, content)
        kernel.disk.sync_all()
        # A file that was changed just now has no validators.
        kernel.now += 10.0

    def change(self, content: bytes) -> None:
        """Another program writes other bytes in place, at another time than the last ones."""
        kernel, inode = self._kernel, self._inode
        kernel.now += 1.0 + kernel.disk.grain
        inode.data = self._content = content
        inode.synced = len(content)
        inode.mtime = inode.ctime = coarse(kernel.disk.now, kernel.disk.grain)
        kernel.disk.changes += 1

    def check(self) -> None:
        """No download changes or removes it."""
        inode = self._kernel.disk.names.get(SOURCE)
        require(inode is self._inode, 'the source was removed')
        require(self._inode.data == self._content, 'the source was changed')


class SimLocal(LocalTransport):
    """The real backend, which reads the simulated disk."""

    def __init__(self, kernel: Kernel, clock: SimClock) -> None:
        super().__init__(clock)
        self._kernel = kernel

    def exchange(
        self, effect: Exchange, part: Sink, context: ExchangeContext = UNLIMITED
    ) -> Responded | Interrupted:
        """Read the source."""
        self._kernel.step(f'{effect.request.method} {effect.request.url}')
        return super().exchange(effect, part, context)


def local_descriptor(descriptor: Descriptor) -> Descriptor:
    """The download of the source, with the mirrors of another one."""
    return Descriptor(url=LOCAL, mirrors=descriptor.mirrors)


def local_policy(policy: Policy) -> Policy:
    """The policy of a caller who allows local files."""
    return replace(policy, network=replace(NO_NETWORK, allow_file=True))


def local_os(kind: Any, system: Any) -> Any:
    """The `os` of the backend: it reads a few bytes at a time, between which others run."""

    class LocalOs(kind):  # type: ignore[misc]
        name = 'posix'

        @staticmethod
        def fsdecode(path: bytes) -> str:
            return path.decode()

        def read(self, fd: int, size: int) -> bytes:
            system.kernel.look('read the source')
            found: bytes = system.file(fd).read(min(size, 7))
            return found

    return LocalOs(system)
