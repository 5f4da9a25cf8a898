"""Which options each public function has, and their lists in docstrings, for `help`."""

from collections.abc import Callable, Iterable, Mapping
from inspect import cleandoc
from typing import Final, TypeVar

from dlmachine.core.spec.option_help import CACHE_HELP, DESCRIPTOR_HELP, OPTION_HELP, OptionHelp
from dlmachine.core.spec.option_table import OPTIONS

Documented = TypeVar('Documented')

#: The descriptor's keywords for the cache key.
KEY_OPTIONS: Final = ('key_without', 'key_ignores_query')
#: The descriptor's keywords that can have a default.
DESCRIBED_NAMES: Final = (
    'headers', 'auth', 'cookies', 'cainfo', 'verify', 'cert', 'key', 'key_password', 'secret_names',
    *KEY_OPTIONS, 'storage_options',
)  # fmt: skip

#: The settings of the manager that belong neither to the Policy nor to the Descriptor.
MANAGER_HELP: Final[Mapping[str, OptionHelp]] = {
    'path': OptionHelp('path', 'PathInput | None', 'cache folder'),
    'pkg': OptionHelp('pkg', 'str | None', "name of a cache in the user's cache directory"),
    'progress': OptionHelp(
        'progress',
        'bool | OnProgress',
        'show progress, or a function that is called with each event',
        default='True',
    ),
    'on_event': OptionHelp(
        'on_event',
        'OnProgress | None',
        'a function that is called with each event, beside the progress that is shown',
    ),
    'rules': OptionHelp(
        'rules',
        'Iterable[Mapping[str, Any]]',
        "options for some URLs: {'match': 'https://*.example.org/**', 'rate': '3/s'}",
        default='()',
    ),
    **CACHE_HELP,
}

#: The keywords of `DownloadManager`.
MANAGER_OPTIONS: Final = (
    *MANAGER_HELP.values(),
    *OPTION_HELP.values(),
    *(DESCRIPTOR_HELP[name] for name in DESCRIBED_NAMES),
)
#: The names of all settings, in the order in which `dlmachine config` shows them.
SETTING_NAMES: Final = (*MANAGER_HELP, *OPTIONS, *DESCRIBED_NAMES)
#: The keywords of `Descriptor`.
DESCRIPTOR_OPTIONS: Final = tuple(DESCRIPTOR_HELP.values())
#: The keywords of `download` and of the methods like it; `dest` is a parameter.
DOWNLOAD_OPTIONS: Final = (
    *DESCRIPTOR_OPTIONS,
    *(option for name, option in OPTION_HELP.items() if name != 'dest'),
    MANAGER_HELP['progress'],
    MANAGER_HELP['on_event'],
)


def list_options(options: Iterable[OptionHelp]) -> Callable[[Documented], Documented]:
    """Append the options to the docstring of a class or a function, one in a line.

    Python has no docstrings under `-OO`; then nothing is appended.
    """

    def append(documented: Documented) -> Documented:
        if documented.__doc__ is not None:
            lines = '\n'.join(f'    {option}' for option in options)
            documented.__doc__ = f'{cleandoc(documented.__doc__)}\n\nOptions:\n{lines}'
        return documented

    return append
