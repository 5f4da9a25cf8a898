"""The kernel: the time, and the scheduling of processes.

A process runs until its next step, which is before each of its effects on the world. It pauses
there until the scheduler chooses it again; meanwhile others run, and failures happen.
"""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from greenlet import getcurrent, greenlet

from property_tests.simulation.choices import Choices
from property_tests.simulation.disk import Disk
from property_tests.simulation.processes import Killed, Process, Violation

#: The maximum steps of a run; three downloads with all their restarts take fewer.
MAX_STEPS = 20_000
#: The maximum time: ten rounds with the longest waits, and some skipped days.
MAX_SECONDS = 120 * 24 * 3600.0
_STEP_SECONDS = 0.001


@dataclass(slots=True)
class Trouble:
    """An error to come, on the next of these operations; `then` fail the next of those."""

    operations: tuple[str, ...]
    code: int
    then: tuple[str, ...] = ()


@dataclass(eq=False)
class Kernel:
    """One machine (or several that share a disk) with its processes.

    `now` is the true time, `skew` the error of the wall clock. `room` is the number of bytes that
    the disk still accepts (None: no limit). `happen` is called at each step to cause failures and
    to choose the next process; `check` is called after each step.
    """

    choices: Choices
    disk: Disk = field(default_factory=Disk)
    now: float = 0.0
    skew: float = 0.0
    boot: int = 1
    room: int | None = None
    troubles: list[Trouble] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    current: Process | None = None
    steps: int = 0
    story: list[str] | None = None
    happen: Callable[[list[Process]], Process | None] = lambda runnable: runnable[0]
    check: Callable[[], None] = lambda: None
    #: The process that last published at a path; and whether a failed disk may have lost the file.
    publishers: dict[str, Process] = field(default_factory=dict)
    #: The time when a process last checked that its file has a name, by both.
    looked: dict[tuple[Process, str], int] = field(default_factory=dict)
    is_sync_lost: bool = False
    #: Called before a process renames a file to a path, or removes one.
    losing: Callable[[str], None] = lambda path: None
    #: Called before a process renames a file away from a path, and after it published one.
    moving: Callable[[str], None] = lambda path: None
    on_publish: Callable[[str], None] = lambda path: None
    #: What a process last read from a path.
    contents: dict[tuple[Process, str], bytes] = field(default_factory=dict)
    #: The number of calls that have failed.
    failures: int = 0
    on_death: list[Callable[[Process], None]] = field(default_factory=list)
    hub: greenlet = field(default_factory=getcurrent)

    def tell(self, what: str) -> None:
        """Add a line to the story, if it is recorded."""
        if self.story is not None:
            who = '--' if self.current is None else self.current.name
            self.story.append(f'{self.now:12.3f}  {who}  {what}')

    def spawn(
        self, program: Callable[[Process], None], host: str = 'here', pid: int | None = None
    ) -> Process:
        """Add a process, which runs when it is chosen."""
        number = len(self.processes) + 1
        process = Process(number, 1000 + number if pid is None else pid, host, program, self.skew)
        process.start(self.hub)
        self.processes.append(process)
        return process

    def look(self, what: str) -> None:
        """Before the current process observes something, others may run."""
        self.step(what)
        if self.current is not None:
            self.current.effects -= 1

    def step(self, what: str) -> None:
        """Before the current process changes something, others may run."""
        process = self.current
        if process is None:
            return
        if not process.is_alive:
            raise Killed
        self.hub.switch()
        self._wake(process)
        process.effects += 1
        if self.story is not None:
            self.tell(what)

    def wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait until the condition holds, up to this many seconds; return whether it holds."""
        process = self.current
        assert process is not None
        if not process.is_alive:
            raise Killed
        process.ready, process.wakes_at = ready, self.now + max(seconds, 0.0)
        self.hub.switch()
        process.ready = None
        self._wake(process)
        return ready()

    def call(self, operation: str, path: str) -> None:
        """Run a system call that changes something, or fail.  Raises: OSError."""
        self.step(f'{operation} {path}' if self.story is not None else operation)
        self.fail(operation, path)

    def fail(self, operation: str, path: str) -> None:
        """Fail if a failure is due.  Raises: OSError."""
        for trouble in self.troubles:
            if operation in trouble.operations:
                self.troubles.remove(trouble)
                self.failures += 1
                if trouble.then:
                    self.troubles.append(Trouble(trouble.then, errno.EIO))
                self.tell(f'   fails: {errno.errorcode[trouble.code]}')
                self.is_sync_lost |= operation in {'fsync', 'open'}
                raise OSError(trouble.code, os.strerror(trouble.code), path)

    def published(self, path: str) -> None:
        """Record that a file was published."""
        if self.current is not None:
            self.publishers[path] = self.current
            self.on_publish(path)

    def run(self) -> None:
        """Run all processes until they end."""
        while True:
            alive = [process for process in self.processes if process.is_runnable]
            if not alive:
                return
            runnable = [process for process in alive if process.may_go_on(self.now)]
            if not runnable:
                self.now = max(self.now, min(process.wakes_at for process in alive))
                continue
            self._advance()
            if self.current in runnable:
                # The same process continues, unless another one is chosen.
                runnable.remove(self.current)
                runnable.insert(0, self.current)
            chosen = self.happen(runnable)
            if chosen is None or not chosen.is_runnable:
                continue
            self.current = chosen
            chosen.thread.switch()
            chosen.ran_at = self.now
            self.check()

    def spawn_beside(self, main: Process, program: Callable[[Process], None]) -> None:
        """Add a thread to a process."""
        thread = self.spawn(program, main.host, main.pid)
        thread.main, thread.live = main, main.live

    def kill(self, process: Process) -> None:
        """Kill -9: no thread of the process runs again, and the system releases its resources."""
        for thread in self.processes:
            if thread is process or (thread.main is process and thread.is_runnable):
                thread.is_alive = False
                self._unwind(thread)
        self.take_back(process)

    def take_back(self, process: Process) -> None:
        """Release the resources of an ended process: close its files, remove its locks."""
        for file in process.files:
            file.is_closed = True
        process.files.clear()
        process.live.clear()
        for tell in self.on_death:
            tell(process)

    def stop(self) -> None:
        """Stop all processes that have not ended."""
        for process in self.processes:
            process.is_alive = False
            self._unwind(process)

    def heal(self) -> None:
        """Let no further failure happen."""
        self.troubles.clear()
        self.room = None

    def _unwind(self, process: Process) -> None:
        running, self.current = self.current, process
        if process.thread:
            process.thread.throw(Killed)
        self.current = running

    def _wake(self, process: Process) -> None:
        self.current = process
        if not process.is_alive:
            raise Killed
        if process.signal is not None:
            signal, process.signal = process.signal, None
            raise signal

    def _advance(self) -> None:
        self.steps += 1
        self.now += _STEP_SECONDS
        self.disk.now = self.now
        if self.steps > MAX_STEPS or self.now > MAX_SECONDS:
            waiting = [process.name for process in self.processes if process.is_runnable]
            msg = f'no end after {self.steps} steps and {self.now:.0f} s: {waiting}'
            raise Violation(msg)
