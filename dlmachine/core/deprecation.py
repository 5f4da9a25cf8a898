"""Old names that still work, with a warning that names the new one."""

import warnings


def warn_renamed(old: str, new: str, stacklevel: int = 3) -> None:
    """Warn that a name has changed; `stacklevel` counts from here, as `warnings.warn` counts."""
    warnings.warn(f'{old} is now called {new}', DeprecationWarning, stacklevel)
