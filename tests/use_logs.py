"""The end of a process, for tests of what it has used."""

import os

from dlmachine_adapters.uses import use_log


def end_process() -> None:
    """Close the use logs of this process, as its end would."""
    for handle in use_log._LOGS.values():
        if handle is not None:
            os.close(handle)
    use_log._LOGS.clear()
