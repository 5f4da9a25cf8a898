"""The invariants, checked after each step and at the end of a run."""

from dataclasses import dataclass, field

from dlmachine.core.cache.entries import Status
from dlmachine.core.faults import Bug, Fault
from dlmachine.core.machine.machine import max_effects
from dlmachine.core.protocol.outcome import Outcome
from property_tests.simulation.disk import Inode, parent
from property_tests.simulation.door import check_sent, is_form
from property_tests.simulation.outcomes import Outcomes, sha_of
from property_tests.simulation.processes import Process, require
from property_tests.simulation.recorded import RecordedFiles
from property_tests.simulation.store import FOLDER, Row
from property_tests.simulation.world import Asked, Attempt, Shared


@dataclass(eq=False)
class Invariants:
    """Checks the state that all processes share.

    `before` is the content of each destination at the beginning (None: no file), `urls` are the
    URLs whose contents may be stored there.
    """

    shared: Shared
    recorded: RecordedFiles
    before: dict[str, Inode | None] = field(default_factory=dict)
    urls: dict[str, tuple[str, ...]] = field(default_factory=dict)
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _seen: tuple[int, int] = (-1, -1)
    _right: dict[Inode, bytes] = field(default_factory=dict)
    _kept: dict[Inode, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._outcomes = Outcomes(self.shared, self.recorded, self.urls, self._kept)

    def watch(self, attempt: Attempt) -> None:
        """Watch the destinations of one more target."""
        target = attempt.target
        urls = target.urls
        self.keys[target.key] = tuple({*self.keys.get(target.key, ()), *urls})
        for path in target.paths:
            self.urls[path] = tuple({*self.urls.get(path, ()), *urls})

    def foreign(self, path: str, inode: Inode) -> None:
        """A file that existed before the run, and must not change."""
        self.before[path] = inode
        if inode.target is None:
            self._kept[inode] = inode.data

    def user_changed(self, path: str) -> None:
        """A user has changed a file."""
        self.recorded.edited(path)
        inode = self.shared.kernel.disk.names.get(path)
        self.before[path] = None
        if inode is not None:
            self._kept[inode] = inode.data
        # A file that the user has replaced may live on as a part, under its other name.
        named = {one for name, one in self.shared.kernel.disk.names.items() if '.part' not in name}
        for one in self._kept.keys() - named:
            del self._kept[one]

    def check(self) -> None:
        """Check the invariants after a step."""
        disk, registry = self.shared.kernel.disk, self.shared.registry
        seen = (disk.changes, registry.changes)
        if seen == self._seen:
            return
        self._seen = seen
        for inode, data in self._kept.items():
            require(inode.data == data, 'a file of another program was changed')
        for (key, version), row in registry.rows.items():
            if row.status is Status.READY and (key, version) not in registry.losing:
                self._check_row(key, row)
        for path, urls in self.urls.items():
            self._check_path(path, urls)
        self._check_cache()
        if self.shared.source is not None:
            self.shared.source.check()

    def ended(self, attempt: Attempt, result: Outcome | Fault) -> None:
        """Check the result of a run."""
        target, shared = attempt.target, self.shared
        shared.misses.ended(attempt.process, target, attempt.looked, result)
        if isinstance(result, Outcome):
            self._outcomes.check(attempt, result)
        else:
            self._check_failure(attempt, result)
        most = max_effects(target.descriptor, target.policy)
        require(len(attempt.asked) <= most, f'{len(attempt.asked)} requests, more than {most}')
        if target.policy.offline:
            require(not attempt.asked, 'a request was sent although offline is set')
        self.let_go(attempt.process)
        shared.kernel.tell(f'ends: {result if not isinstance(result, Outcome) else result.reason}')

    def let_go(self, process: Process, *, interrupted: bool = False) -> None:
        """Check that a process that has ended holds nothing."""
        held = [key for key, owner in self.shared.locks.owners.items() if owner is process]
        require(not held, f'{process.name} ended and holds a lock')
        if interrupted:
            # Between opening a part and storing it, Ctrl-C may leave its handle open.
            self.shared.kernel.take_back(process)
        require(not process.files, f'{process.name} ended and has files open')
        require(not process.live, f'{process.name} ended and owns parts')

    def asked(self, attempt: Attempt, asked: Asked) -> None:
        """Check a request before it is sent."""
        request = asked.request
        self.recorded.check_request(attempt)
        check_sent(request)
        # The list of checksums and the entry of the cache are downloads of their own.
        policy = attempt.target.policy
        most = 1 + policy.via_cache + (policy.checksum_file is not None)
        forms = [one for one in (*attempt.asked, asked) if is_form(one.request)]
        require(len(forms) <= most, 'a run logged in again and again')
        if not request.url.startswith('https://data.example/'):
            sent = [name for name, _ in request.headers if name.lower() == 'authorization']
            require(not sent, f'credentials were sent to {request.url}')
        if request.method == 'POST' and not attempt.target.may_repeat:
            for before in attempt.asked:
                settled = before.is_settled
                require(
                    before.request.method != 'POST' or settled,
                    'POST was sent again',
                )

    def _check_row(self, key: str, row: Row) -> None:
        kernel = self.shared.kernel
        path, record = row.update.path, row.update.record
        inode = kernel.disk.names.get(path)
        if inode is None:
            require(kernel.is_sync_lost, f'{path} is READY and missing')
            return
        if self._right.get(inode) is not inode.data:
            data = inode.data
            require(
                data in self.shared.network.contents(self.keys[key]),
                f'{path} is READY and holds {data!r}',
            )
            self._right[inode] = data
        require(
            len(inode.data) == record.size_bytes and sha_of(inode.data) == record.sha256,
            f'{path} is not what its record says',
        )
        require(row.inode is inode and row.mtime == inode.mtime, f'{path} is READY and was changed')

    def _check_path(self, path: str, urls: tuple[str, ...]) -> None:
        inode, before = self.shared.kernel.disk.names.get(path), self.before.get(path)
        if inode is before or inode in self.recorded.edits:
            return
        if inode is None:
            is_moved = path in self.recorded.disturbed
            require(is_moved, f'{path} existed before the run, and is missing')
        elif self._right.get(inode) is not inode.data:
            require(
                inode.target is None and inode.data in self.shared.network.contents(urls),
                f'{path} holds {inode.data!r}',
            )
            self._right[inode] = inode.data

    def _check_cache(self) -> None:
        disk = self.shared.kernel.disk
        for path, inode in disk.names.items():
            if parent(path) == FOLDER and self._right.get(inode) is not inode.data:
                # Without hard links a name is reserved by an empty file beside it.
                is_claim = not inode.data and not disk.has_links and path.endswith('.claim')
                whole = self.shared.network.contents(tuple(self.shared.network.sites))
                require(is_claim or inode.data in whole, f'{path} holds {inode.data!r}')

    def _check_failure(self, attempt: Attempt, fault: Fault) -> None:
        process, registry = attempt.process, self.shared.registry
        require(not isinstance(fault, Bug), f'a bug: {fault}')
        if not attempt.target.policy.via_cache:  # The cache keeps what it has.
            for row in registry.rows.values():
                require(
                    row.by is not process or row.status is not Status.READY,
                    f'it failed ({fault}), and its file is READY',
                )
            # After another method copies are invalid.
            is_changed = attempt.target.descriptor.method == 'GET'
            is_changed &= process in registry.changed_by
            require(not is_changed, f'the run failed ({fault}), and changed rows')
        # If a user replaces the file at once, it is not known whether it was published.
        for path in set(attempt.target.paths) - self.recorded.disturbed:
            publisher = self.shared.kernel.publishers.get(path)
            require(publisher is not process, f'the run failed ({fault}), and {path} was published')

    def newest(self, attempt: Attempt, result: Outcome | Fault) -> None:
        """In a healthy world, a download ends with the newest version."""
        require(isinstance(result, Outcome), f'failed in a healthy world: {result}')
        assert isinstance(result, Outcome)
        site = self.shared.network.sites[attempt.target.descriptor.url]
        data = self._outcomes.content(result)
        if self.shared.locks.mode != 'works' and result.path in self.shared.registry.removed:
            # Its name was free, and without locks another file may have got it.
            return
        content = site.in_language(site.content, attempt.target.language)
        require(data == content, f'not the newest version in a healthy world: {data!r}')
