"""The typed options of each public function match the table of options."""

import inspect
import subprocess
import sys
from typing import Any, get_type_hints

import pytest

import dlmachine as dm
from dlmachine.core.protocol.progress import OnProgress
from dlmachine.core.spec.option_help import CACHE_HELP, DESCRIPTOR_HELP, OPTION_HELP
from dlmachine.core.spec.option_table import OLD_NAMES, SYNONYMS
from dlmachine.options import types
from dlmachine.options.lists import DESCRIBED_NAMES, MANAGER_HELP, MANAGER_OPTIONS

#: `dest` is a separate parameter; former names are accepted with a warning, but not listed.
ELSEWHERE = {'dest', *OLD_NAMES}
#: The type of each option by its names, from the table.
TABLE = {one.name: one.type for one in (*DESCRIPTOR_HELP.values(), *OPTION_HELP.values())}
TABLE |= {synonym: TABLE[name] for synonym, name in SYNONYMS.items()}


def _types(names: set[str]) -> dict[str, Any]:
    return {name: eval(TABLE[name], vars(types)) for name in names - ELSEWHERE}


def test_a_download_has_the_options_of_the_table() -> None:
    """Those of the descriptor and of the policy, and their synonyms, with the types of the table."""
    progress = {'progress': bool | OnProgress, 'on_event': OnProgress | None}
    assert get_type_hints(dm.DownloadOptions) == _types(set(TABLE)) | progress


def test_a_descriptor_has_its_own() -> None:
    """As options, and as parameters of the constructor, with the defaults of the table."""
    names = {name for name in TABLE if SYNONYMS.get(name, name) in DESCRIPTOR_HELP}
    parameters = dict(inspect.signature(dm.Descriptor).parameters)
    for other in ('url', 'body', 'tls', 'key_by_vary', 'resolved'):
        del parameters[other]

    assert get_type_hints(dm.DescriptorOptions) == _types(names)
    assert {name: one.annotation for name, one in parameters.items()} == _types(names)
    for name, help_ in DESCRIPTOR_HELP.items():
        assert repr(parameters[name].default) == help_.default


def test_a_manager_has_the_options_of_every_download() -> None:
    """And defaults for every request; `path`, `pkg` and `backend` are parameters."""
    options = {name for name in TABLE if SYNONYMS.get(name, name) in OPTION_HELP}
    wanted = _types((options | set(DESCRIBED_NAMES)) - {'backend'})
    wanted |= {
        'dest': eval(TABLE['dest'], vars(types)),
        'progress': bool | OnProgress,
        'on_event': OnProgress | None,
    }
    own = ('rules', *CACHE_HELP)
    wanted |= {name: eval(MANAGER_HELP[name].type, vars(types)) for name in own}

    assert get_type_hints(dm.ManagerOptions) == wanted
    parameters = inspect.signature(dm.DownloadManager).parameters
    assert {one.name for one in MANAGER_OPTIONS} <= {*parameters, *wanted}


def test_the_typed_options_are_accepted() -> None:
    """By the manager, each under its name."""
    manager = dm.DownloadManager()
    for name in get_type_hints(dm.DownloadOptions):
        with pytest.raises(dm.RequestError) as caught:
            manager.prepare('http://h/', None, **{name: object(), 'unknown': 1})  # type: ignore[arg-type]
        assert "unknown option 'unknown'" in str(caught.value)


@pytest.mark.parametrize(
    ('documented', 'options'),
    [
        (dm.DownloadManager.download, [*DESCRIPTOR_HELP.values(), *OPTION_HELP.values()]),
        (dm.DownloadManager, MANAGER_OPTIONS),
        (dm.Descriptor, [*DESCRIPTOR_HELP.values()]),
    ],
    ids=['download', 'DownloadManager', 'Descriptor'],
)
def test_help_lists_every_option(documented: Any, options: list[Any]) -> None:
    """With type, unit and default."""
    lines = [line.strip() for line in (inspect.getdoc(documented) or '').splitlines()]

    assert [str(one) for one in options if str(one) not in lines and one.name != 'dest'] == []


def test_without_docstrings_nothing_is_listed() -> None:
    """`python -OO` removes docstrings."""
    code = 'import dlmachine; assert dlmachine.DownloadManager.__doc__ is None'
    assert subprocess.run([sys.executable, '-OO', '-c', code], check=False).returncode == 0
