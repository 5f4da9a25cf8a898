"""The setup of one run, and its processes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from returns.pipeline import is_successful
from returns.unsafe import unsafe_perform_io

from dlmachine.core.faults import Fault
from dlmachine.core.plan.plan import plan
from dlmachine.core.protocol.outcome import Outcome
from dlmachine.core.spec.destination import Auto, ToMemory
from dlmachine.core.spec.policy import Policy
from dlmachine.core.spec.reuse import Freshness
from dlmachine.execution.run import execute, run
from property_tests.simulation.caching import varies
from property_tests.simulation.choices import Choices
from property_tests.simulation.clock import true_time
from property_tests.simulation.door import behind, draw_door
from property_tests.simulation.index import Indexes
from property_tests.simulation.invariants import Invariants
from property_tests.simulation.kernel import Kernel
from property_tests.simulation.local_source import (
    LOCAL,
    Source,
    local_descriptor,
    local_policy,
)
from property_tests.simulation.locks import LockTable
from property_tests.simulation.misses import Misses
from property_tests.simulation.nemesis import Nemesis
from property_tests.simulation.processes import Process, require
from property_tests.simulation.recorded import RecordedFiles
from property_tests.simulation.requests import (
    MIRROR,
    URL,
    Target,
    draw_target,
    fresh_target,
    remembering_target,
    repeated_target,
    reused_target,
)
from property_tests.simulation.scenario import draw_network, publish_version, put_files
from property_tests.simulation.store import FOLDER, Registry, Row
from property_tests.simulation.system import System
from property_tests.simulation.users import GRAIN_SECONDS, Users
from property_tests.simulation.world import Attempt, Shared, SimWorld

#: The end of a run takes less.
_SECONDS_IN_THE_END = 30.0
#: From these numbers on, the file is on this computer, or behind a login.
_IS_LOCAL, _HAS_DOOR = 192, 224
_LOCKS = ('works', 'absent', 'lies', 'works')


class Stage:
    """One run: `play` plays the tape."""

    def __init__(self, tape: bytes, *, told: bool = False) -> None:
        """Draws the scenario."""
        self.choices = choices = Choices(tape)
        self.kernel = kernel = Kernel(choices, story=[] if told else None)
        kernel.disk.make_folder('/data')
        kernel.disk.make_folder(FOLDER)
        self._is_post = choices.pick(12) == 1
        self.network = draw_network(choices)
        self._mirrors = (MIRROR,) if MIRROR in self.network.sites else ()
        mode = choices.among(_LOCKS)
        self.system = System(kernel, flock=choices.among((mode, 'works')))
        file_system = choices.pick(6)
        kernel.disk.has_links = file_system not in {1, 2}
        kernel.disk.grain = GRAIN_SECONDS if file_system == 2 else 0.0
        registry, has_cache = Registry(kernel), choices.pick(12) != 1
        self.shared = Shared(
            kernel,
            self.network,
            registry,
            Misses(kernel),
            LockTable(kernel, mode),
            Indexes(kernel),
            has_cache=has_cache,
        )
        self.recorded = RecordedFiles(self.shared)
        self.invariants = Invariants(self.shared, self.recorded)
        self._users = users = Users(kernel, self.invariants.user_changed, self.recorded.touched)
        kernel.losing, kernel.moving = self.recorded.losing, self.recorded.moving
        registry.on_remove = self._check_removal
        kernel.on_publish = self.recorded.published
        self.nemesis = Nemesis(
            kernel,
            self._restart,
            self._publish,
            registry,
            users,
            self.shared.indexes.damage,
            favourite=choices.pick(20),
        )
        self._targets: dict[Process, Target] = {}

    def play(self) -> None:
        """Play the complete run.  Raises: Violation."""
        kernel, choices = self.kernel, self.choices
        for path, inode in put_files(choices, kernel.disk, self.network).items():
            self.invariants.foreign(path, inode)
        kernel.check = self.invariants.check
        drawn = choices.pick(256)
        before = drawn % 4
        if drawn >= _HAS_DOOR and not self._is_post:
            self.shared.door = draw_door(kernel, drawn // 4)
        elif drawn >= _IS_LOCAL and not self._is_post:
            main = self.network.sites[LOCAL] = self.network.sites[URL]
            self.shared.source = Source(kernel, main.content)
        targets: list[tuple[Target, str]] = []
        for _ in range(choices.among((1, 2, 2, 3))):
            is_new = not targets or choices.pick(2)
            target = self._draw_target(choices) if is_new else targets[-1][0]
            targets.append((target, choices.among(('here', 'here', 'there'))))
        if before % 2:
            self._store_before(self._draw_target(Choices(b'')))
        if before // 2:
            self._store_before(targets[0][0])
        for target, host in targets:
            self.spawn(target, host)
        kernel.happen = self.nemesis.happen
        kernel.run()
        self._in_the_end(targets[-1][0])

    def play_together(self, schedule: bytes, count: int) -> int:
        """Play several processes with one target in a healthy world; return the number of requests."""
        choices = Choices(schedule)
        self.kernel.check = self.invariants.check
        target = self._draw_target(self.choices)
        for _ in range(count):
            self.spawn(target)
        self.kernel.happen = lambda runnable: runnable[choices.pick(len(runnable))]
        self.kernel.run()
        return self.shared.requests

    def spawn(
        self, target: Target, host: str = 'here', pid: int | None = None, *, is_last: bool = False
    ) -> None:
        """Start one more process."""
        if self.shared.source is not None:
            target = replace(target, policy=local_policy(target.policy))
        process = self.kernel.spawn(self._program(target, is_last=is_last), host, pid)
        self._targets[process] = target

    def _draw_target(self, choices: Choices) -> Target:
        content = self.network.sites[URL].content
        target = draw_target(choices, self._mirrors, content, post=self._is_post)
        if self.shared.door is not None:
            return Target(behind(target.descriptor), _without_http(target.policy))
        if self.shared.source is not None:
            return Target(local_descriptor(target.descriptor), _without_http(target.policy))
        return target

    def _store_before(self, target: Target) -> None:
        # A healthy process, whose steps are not on the tape.
        self.shared.is_honest = True
        self.spawn(fresh_target(target))
        self.kernel.run()
        self.kernel.now += 60.0
        self.shared.is_honest = False

    def _in_the_end(self, target: Target) -> None:
        # Everything works again, so a download of the newest version succeeds.
        self.kernel.heal()
        self.kernel.happen = lambda runnable: runnable[0]
        self.shared.is_honest = True
        if self.shared.door is not None:
            self.shared.door.forget()
        self.spawn(fresh_target(target), is_last=True)
        self.kernel.run()
        self._reuse(target)
        self._find_again(target)
        if target.paths:
            is_damaged = self.shared.indexes.is_damaged('/data')
            require(not is_damaged, 'a file was recorded, and the index is damaged still')
            requests = self.shared.requests
            self.spawn(repeated_target(target), is_last=True)
            self.kernel.run()
            require(self.shared.requests == requests, 'a recorded file was requested again')
        self.invariants.check()
        require(not self.shared.locks.owners, 'all processes have ended, and a lock is held')

    def _reuse(self, target: Target) -> None:
        # By the rules of HTTP, a copy that was just confirmed is used without a request.
        sites, requests = self.network.sites, self.shared.requests
        said = sites[target.descriptor.url].said(self.kernel)
        apparent = timedelta(0) if said.date is None else true_time(self.kernel) - said.date
        age = max(said.age, apparent.total_seconds() + self.kernel.skew)
        is_lasting = said.lifetime - age > _SECONDS_IN_THE_END
        is_plain = not (said.control.no_store or said.control.no_cache or said.is_for_none)
        is_cached = self.shared.has_cache and target.policy.dest == Auto() and not self._is_post
        if target.policy.freshness is Freshness.HTTP and is_cached:
            self.spawn(reused_target(target), is_last=True)
            self.kernel.run()
            is_unasked = self.shared.requests == requests
            # Neither the lifetime of a redirect nor the fields of another source are on record.
            is_moved = self.shared.responses.has_moved or bool(self._mirrors)
            require(
                is_unasked or not (is_lasting and is_plain) or is_moved,
                'a fresh copy was requested again',
            )

    def _find_again(self, target: Target) -> None:
        # What was found is not missing, also if its copy is lost.
        is_plain = target.policy.freshness is not Freshness.HTTP and not self._is_post
        if target.policy.remember_missing is None or not is_plain:
            return
        for row in self.shared.registry.of(target.key):
            path = row.update.path
            if path in self.kernel.disk.names:
                self.shared.registry.lose(path)
                self.kernel.disk.unlink(path)
        for path in target.paths:
            inode = self.kernel.disk.names.get(path)
            if inode is not None and inode.target is None:
                self._users.remove(path)
        self.spawn(remembering_target(target), is_last=True)
        self.kernel.run()

    def _check_removal(self, row: Row) -> None:
        # A process replaces copies of the variant that it asked for, and of no other.
        process = self.kernel.current
        target = None if process is None else self._targets.get(process)
        if target is None or not varies(self.network.sites[URL].profile):
            return
        language = dict(row.update.record.request_headers).get('Accept-Language', '')
        require(language == target.language, f'a copy in {language} was removed')

    def _restart(self, process: Process, same_number: bool) -> None:
        pid = process.pid if same_number and not process.is_runnable else None
        self.spawn(self._targets[process], process.host, pid)

    def _publish(self, url: str) -> None:
        site = self.network.sites.get(url)
        if site is not None:
            # Never two versions in one second, because dates could not distinguish them.
            self.kernel.now += 1.0
            content = publish_version(self.choices, site, self.kernel.now)
            if self.shared.source is not None and url == URL:
                self.shared.source.change(content)
            self.kernel.tell(f'** new version at {url}: {content!r}')

    def _program(self, target: Target, *, is_last: bool) -> Callable[[Process], None]:
        def program(process: Process) -> None:
            attempt = Attempt(process, target, seen_from=self.kernel.now)
            self.invariants.watch(attempt)
            try:
                result = self._download(attempt)
            except KeyboardInterrupt:
                self.invariants.let_go(process, interrupted=True)
                raise
            self.invariants.ended(attempt, result)
            if is_last:
                self.invariants.newest(attempt, result)

        return program

    def _download(self, attempt: Attempt) -> Outcome | Fault:
        target = attempt.target
        world = SimWorld(self.shared, attempt, self.invariants.asked, self.recorded)
        seen = world.observe(target.descriptor, target.policy)
        # Like the manager: a first look that another one follows has neither a part nor backends.
        dest = target.policy.dest
        is_in_memory = dest == ToMemory() or (dest == Auto() and seen.cache is None)
        glanced = seen if is_in_memory else replace(seen, part=None, backends=None)
        # A plan makes the same decision with a dry run, which is slow: one in four makes a plan.
        if attempt.process.number % 4 == 1:
            made = plan(target.descriptor, target.policy, seen)
            require(attempt.process.effects == 0, 'a plan had effects')
            if not is_successful(made):
                return made.failure()
            ended: Any = execute(replace(made.unwrap(), snapshot=glanced), world)
            result: Outcome | Fault = unsafe_perform_io(
                ended.unwrap() if is_successful(ended) else ended.failure()
            )
            return result
        return run(target.descriptor, target.policy, glanced, world)


def _without_http(policy: Policy) -> Policy:
    # The rules of HTTP, and misses, are played without logins and local files; a login page is told
    # from the file by the name of the file.
    freshness = None if policy.freshness is Freshness.HTTP else policy.freshness
    return replace(policy, check_content=True, remember_missing=None, freshness=freshness)
