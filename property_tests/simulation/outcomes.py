"""The invariants of outcomes: the bytes that a download returns, and why it may."""

from dataclasses import dataclass
from functools import cache
from hashlib import new, sha256
from io import BytesIO

from dlmachine.core.protocol.outcome import Origin, Outcome
from dlmachine.core.spec.reuse import CheckMethod, Freshness, IfExists
from property_tests.simulation.caching import LANGUAGES
from property_tests.simulation.disk import Inode
from property_tests.simulation.processes import require
from property_tests.simulation.recorded import RecordedFiles
from property_tests.simulation.requests import Target, complain
from property_tests.simulation.reuse import Use, check_stale
from property_tests.simulation.world import Attempt, Shared


@dataclass(eq=False)
class Outcomes:
    """Checks outcomes; `urls` are the URLs of each path, `kept` the files of other programs."""

    shared: Shared
    recorded: RecordedFiles
    urls: dict[str, tuple[str, ...]]
    kept: dict[Inode, bytes]

    def check(self, attempt: Attempt, outcome: Outcome) -> None:
        """Check the outcome of a run."""
        target, kernel = attempt.target, self.shared.kernel
        data = self.content(outcome)
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
        is_before = not is_own and data in self.kept.values() and outcome.origin is Origin.STALE
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
                record.sha256 == sha_of(data) and record.size_bytes == len(data),
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
        is_by_size = target.policy.check_method is CheckMethod.SIZE
        is_asked &= not is_by_size or target.policy.freshness is Freshness.HTTP
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
        require(sha_of(data) == record.sha256, f'a recorded file was used, and holds {data!r}')
        # Bytes with the expected checksum are right, wherever they are from.
        is_right = checksum is not None or bool(record.verified_by)
        is_right = is_right or data in self._contents(target, target.urls)
        require(is_right, f'a recorded file of another key was used: {data!r}')

    def _check_reuse(self, attempt: Attempt, outcome: Outcome, data: bytes) -> None:
        if self.shared.source is not None:
            return  # No server has said how long it may be used.
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

    def content(self, outcome: Outcome) -> bytes | None:
        """The bytes of an outcome; None if its file is gone."""
        if outcome.path is None:
            assert isinstance(outcome.buffer, BytesIO)
            return outcome.buffer.getvalue()
        disk = self.shared.kernel.disk
        inode = disk.names.get(outcome.path)
        return None if inode is None else disk.follow(outcome.path).data


@cache
def sha_of(data: bytes) -> str:
    """The SHA-256 of some bytes."""
    return sha256(data).hexdigest()
