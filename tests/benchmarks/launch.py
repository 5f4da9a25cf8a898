"""Run commands one after another and measure each: `launch.py JOB`, a JSON object.

This is a separate, small process, because the kernel reports at least the peak memory of the parent
for a child.
"""

import json
import os
import signal
import sys
from time import perf_counter
from typing import Any


def main() -> None:
    """Measure the steps in the argument; print a JSON list with one object for each step."""
    job: dict[str, Any] = json.loads(sys.argv[1])
    flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC
    out, err = os.open(job['out'], flags), os.open(job['err'], flags)
    os.chdir(job['folder'])
    measured = []
    for argv in job['steps']:
        one = _measure(argv, job['env'], out, err, job['seconds'])
        measured.append(one)
        if one['status']:
            break
    sys.stdout.write(json.dumps(measured))


def _measure(
    argv: list[str], env: dict[str, str], out: int, err: int, seconds: float
) -> dict[str, Any]:
    nothing = os.open(os.devnull, os.O_RDONLY)
    actions = [(os.POSIX_SPAWN_DUP2, fd, at) for at, fd in enumerate((nothing, out, err))]
    began = perf_counter()
    pid = os.posix_spawn(argv[0], argv, env, file_actions=actions)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    _, status, used = os.wait4(pid, 0)
    wall = perf_counter() - began
    signal.setitimer(signal.ITIMER_REAL, 0)
    os.close(nothing)
    return {
        'status': os.waitstatus_to_exitcode(status),
        'wall': wall,
        'cpu': used.ru_utime + used.ru_stime,
        # Linux counts KiB, macOS bytes.
        'peak': used.ru_maxrss * (1 if sys.platform == 'darwin' else 1024),
    }


if __name__ == '__main__':
    main()
