"""The invariants, checked after each step and at the end of a run."""

from dataclasses import dataclass, field
from functools import cache
from hashlib import new, sha256
from io import BytesIO

from dlmachine.core.cache.entries import Status
from dlmachine.core.faults import Bug, Fault
from dlmachine.core.machine.machine import most_effects
from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.spec.reuse import CheckMethod, IfExists
from property_tests.simulation.caching import LANGUAGES
from property_tests.simulation.disk import Inode, parent
from property_tests.simulation.processes import Process, require
from property_tests.simulation.recorded import RecordedFiles
from property_tests.simulation.requests import Target, complain
from property_tests.simulation.reuse import Use, check_stale
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
        self._kept = {one: data for one, data in self._kept.items() if one in named}

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

    def ended(self, attempt: Attempt, result: Outcome | Fault) -> None:
        """Check the result of a run."""
        target, shared = attempt.target, self.shared
        shared.misses.ended(attempt.process, target, attempt.looked, result)
        if isinstance(result, Outcome):
            self._check_outcome(attempt, result)
        else:
            self._check_failure(attempt, result)
        most = most_effects(target.descriptor, target.policy)
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
            len(inode.data) == record.size_bytes and _sha(inode.data) == record.sha256,
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

    def _check_outcome(self, attempt: Attempt, outcome: Outcome) -> None:
        target, kernel = attempt.target, self.shared.kernel
        data = self._content(outcome)
        if self._is_used_at_path(attempt, outcome):
            return
        if data is None:
            # Another process removed the version in the meantime, with keep_old=False.
            registry = self.shared.registry
            is_lost = (outcome.key, outcome.version or 0) in registry.losing
            is_lost |= outcome.path in registry.removed
            require(is_lost, f'{outcome.path} is an outcome and missing')
            return
        # Several downloads may have this path; files of the others are not checked.
        is_own = outcome.path is None or outcome.version is not None
        is_own |= kernel.publishers.get(outcome.path or '') is attempt.process
        urls = target.urls if is_own else self.urls[outcome.path or '']
        is_before = not is_own and data in self._kept.values() and outcome.origin is Origin.STALE
        # Bytes with the expected checksum are right, wherever they are from.
        is_sure = target.policy.checksum is not None
        is_sure |= outcome.record is not None and bool(outcome.record.verified_by)
        is_right = is_before or is_sure or data in self._contents(target, urls)
        require(is_right, f'an outcome holds {data!r}')
        # If a file is removed after it was seen, another may get its name.
        is_own &= not self._is_swapped(attempt, outcome.path)
        if outcome.record is not None and is_own:
            record = outcome.record
            require(
                record.sha256 == _sha(data) and record.size_bytes == len(data),
                'an outcome is not what its record says',
            )
        if is_own:
            self._check_reuse(attempt, outcome, data)
        checksum = target.policy.checksum
        if outcome.record is None and outcome.origin is Origin.STALE:
            # A file at a path, of which only the existence is known.
            is_own = False
        if checksum is not None and is_own:
            found = new(checksum.algorithm, data, usedforsecurity=False).hexdigest()
            require(found == checksum.hex, 'an outcome has another checksum')
        check_stale(target, outcome)
        if outcome.origin is Origin.NETWORK and is_own:
            least, validate = target.policy.min_bytes, target.policy.validate
            require(least is None or len(data) >= least, 'an outcome is smaller than min_bytes')
            is_right = validate is None or (
                validate is not complain and bool(validate(BytesIO(data)))
            )
            require(is_right, 'an outcome is not what validate accepts')
            limit = target.policy.max_bytes
            require(limit is None or len(data) <= limit, 'an outcome is larger than max_bytes')
        is_asked = outcome.origin is Origin.NETWORK or outcome.is_validated
        is_asked &= not attempt.was_deceived
        is_asked &= target.policy.check_method is not CheckMethod.SIZE
        if is_asked and is_own:
            self._check_fresh(attempt, data)

    def _is_used_at_path(self, attempt: Attempt, outcome: Outcome) -> bool:
        path = outcome.path
        if path is None or path not in self.urls:
            return False
        used = self.recorded.used(attempt.process, path)
        if outcome.origin is not Origin.NETWORK and used is not None:
            self._check_used(attempt.target, outcome, used)
            self._check_reuse(attempt, outcome, used)
            return True
        # What is there by now may be a user's.
        return path in self.recorded.disturbed

    def _check_used(self, target: Target, outcome: Outcome, data: bytes) -> None:
        # The file at a path that was used, as it was then.
        record, checksum = outcome.record, target.policy.checksum
        if checksum is not None:
            found = new(checksum.algorithm, data, usedforsecurity=False).hexdigest()
            require(found == checksum.hex, 'a file at a path has another checksum')
        check_stale(target, outcome)
        if record is None:
            is_kept = target.policy.if_exists is IfExists.KEEP and bool(data)
            require(is_kept or outcome.origin is Origin.STALE, f'{data!r} was used unasked')
            return
        require(_sha(data) == record.sha256, f'a recorded file was used, and holds {data!r}')
        # Bytes with the expected checksum are right, wherever they are from.
        is_right = checksum is not None or bool(record.verified_by)
        is_right = is_right or data in self._contents(target, target.urls)
        require(is_right, f'a recorded file of another key was used: {data!r}')

    def _check_reuse(self, attempt: Attempt, outcome: Outcome, data: bytes) -> None:
        use = Use(attempt.process, attempt.target, data, attempt.seen_from, attempt.looked)
        self.shared.responses.check(use, outcome)

    def _contents(self, target: Target, urls: tuple[str, ...]) -> set[bytes]:
        # Of several variants, only those for the fields of the request.
        languages = (target.language,) if urls == target.urls else LANGUAGES
        return self.shared.network.contents(urls, languages)

    def _is_swapped(self, attempt: Attempt, path: str | None) -> bool:
        kernel, removed = self.shared.kernel, self.shared.registry.removed
        if path not in removed:
            return False
        return removed[path] > kernel.looked.get((attempt.process, path), -1)

    def _check_fresh(self, attempt: Attempt, data: bytes) -> None:
        had, target = self.shared.network.had, attempt.target
        is_current = any(had(url, data, target.language, attempt.seen_from) for url in target.urls)
        require(is_current, f'an outcome is out of date: {data!r}')

    def _content(self, outcome: Outcome) -> bytes | None:
        if outcome.path is None:
            assert isinstance(outcome.buffer, BytesIO)
            return outcome.buffer.getvalue()
        disk = self.shared.kernel.disk
        inode = disk.names.get(outcome.path)
        return None if inode is None else disk.follow(outcome.path).data

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
        data = self._content(result)
        if self.shared.locks.mode != 'works' and result.path in self.shared.registry.removed:
            # Its name was free, and without locks another file may have got it.
            return
        content = site.in_language(site.content, attempt.target.language)
        require(data == content, f'not the newest version in a healthy world: {data!r}')


@cache
def _sha(data: bytes) -> str:
    return sha256(data).hexdigest()
