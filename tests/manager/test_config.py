"""Configuration: precedence, invalid values, and their messages."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs
import pytest
from returns.pipeline import is_successful

from dlmachine.config import Config, load_config
from dlmachine.core.faults import InvalidInput, UnknownName
from dlmachine.core.spec.destination import ToPath
from dlmachine.documents.reader import read_mapping
from dlmachine.options.environment import unknown_variables
from dlmachine.options.lists import SETTING_NAMES
from dlmachine.options.settings import user_config_file

KEYWORD = {'retries': 1}
DICT = {'retries': 2}
ENV = {'DLMACHINE_RETRIES': '3'}
USER = 'retries = 4\n'


def load(
    config: object = None,
    keywords: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    user_file: str | Path = os.devnull,
) -> Config:
    """Load a valid configuration, without the user's own file and environment."""
    found = load_config(config, keywords or {}, environ or {}, user_file)  # type: ignore[arg-type]
    assert is_successful(found), found.failure()
    return found.unwrap()


def source(config: Config, name: str) -> str:
    """The source of a setting."""
    (setting,) = (one for one in config.settings if one.name == name)
    return setting.source


@pytest.mark.parametrize(
    ('keywords', 'config', 'environ', 'user', 'retries', 'place'),
    [
        (KEYWORD, DICT, ENV, USER, 1, 'keyword'),
        ({}, DICT, ENV, USER, 2, 'config'),
        ({}, None, ENV, USER, 3, 'environment DLMACHINE_RETRIES'),
        ({}, None, {}, USER, 4, 'file {user}'),
        ({}, None, {}, '', 3, 'default'),
        (KEYWORD, None, {}, USER, 1, 'keyword'),
        ({}, {'timeout': 9}, ENV, USER, 3, 'environment DLMACHINE_RETRIES'),
        ({}, None, {'DLMACHINE_RETRIES': ''}, USER, 4, 'file {user}'),
    ],
    ids=[
        'all',
        'no keyword',
        'no dict',
        'only user file',
        'nothing',
        'ends',
        'other name',
        'empty variable',
    ],
)
def test_the_highest_source_with_a_value_counts(
    tmp_path: Path,
    keywords: Mapping[str, object],
    config: object,
    environ: Mapping[str, str],
    user: str,
    retries: int,
    place: str,
) -> None:
    """Keyword over dict over environment over user file over default."""
    user_file = tmp_path / 'user.toml'
    user_file.write_text(user, encoding='utf-8')

    found = load(config, keywords, environ, user_file)

    assert found.policy.retries == retries
    assert source(found, 'retries') == place.format(user=user_file)


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('dl.toml', 'retries = 7\n'),
        ('dl.toml', '[dlmachine]\nretries = 7\n'),
        ('pyproject.toml', '[project]\nname = "x"\n[tool.dlmachine]\nretries = 7\n'),
        ('dl.yaml', 'retries: 7\n'),
        ('dl.yml', 'dlmachine:\n  retries: "7"\n'),
        ('dl.json', '{"retries": 7}'),
        ('dl.json', '\ufeff{"retries": 7}'),
    ],
)
def test_files_of_all_forms(tmp_path: Path, name: str, text: str) -> None:
    """TOML, YAML and JSON, at the top level or in a table for dlmachine."""
    path = tmp_path / name
    path.write_text(text, encoding='utf-8')

    found = load(path)

    assert (found.policy.retries, source(found, 'retries')) == (7, f'file {path}')


def test_a_pyproject_without_our_table_is_ignored(tmp_path: Path) -> None:
    """The tables of other tools are not read."""
    path = tmp_path / 'pyproject.toml'
    path.write_text('[project]\nname = "x"\n[tool.ruff]\nline-length = 100\n', encoding='utf-8')

    assert {one.source for one in load(path).settings} == {'default'}


@pytest.mark.parametrize(
    ('config', 'keywords', 'nearest', 'place'),
    [
        (None, {'retires': 1}, 'retries', ''),
        ({'chekcsum': 'x'}, {}, 'checksum', 'config'),
        ({'mirrors': []}, {}, None, 'config'),
        ('dl.toml', {}, 'stall_timeout', 'file dl.toml'),
    ],
    ids=['keyword', 'dict', 'of a descriptor', 'file'],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: object,
    keywords: Mapping[str, object],
    nearest: str | None,
    place: str,
) -> None:
    """A typing error is reported with its source, unless it is a keyword, and never ignored."""
    monkeypatch.chdir(tmp_path)
    Path('dl.toml').write_text('stall_timout = 3\n', encoding='utf-8')

    fault = load_config(config, keywords, {}, os.devnull).failure()  # type: ignore[arg-type]

    assert isinstance(fault, UnknownName)
    assert fault.source == place
    assert nearest is None or fault.nearest == nearest


def test_an_unknown_variable_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Other programs use the environment, too: an unknown name is logged, not refused."""
    with caplog.at_level(logging.WARNING, 'dlmachine'):
        load(environ={'DLMACHINE_RETIRES': '1', 'DLMACHINE_JOBS': '2', 'OTHER': 'x'})

    assert [record.getMessage() for record in caplog.records] == [
        'unknown environment variable DLMACHINE_RETIRES is not used; did you mean DLMACHINE_RETRIES?'
    ]


@pytest.mark.parametrize(
    ('config', 'where', 'problem'),
    [
        ('absent.toml', 'absent.toml', 'cannot be read'),
        ('broken.toml', 'broken.toml', 'line 2'),
        ('broken.yaml', 'broken.yaml', 'line 2'),
        ('broken.json', 'broken.json', 'line 2'),
        ('list.json', 'list.json', 'must contain a mapping'),
        ('latin.json', 'latin.json', 'UTF-8'),
        ('settings.ini', 'settings.ini', 'must end in one of'),
        ('bad.toml', 'retries (file bad.toml)', 'must be a whole number'),
        ({'timeout': 0}, 'timeout (config)', 'must be more than 0'),
        ({'headers': {'A': 'x\r\nB: y'}}, "headers['A'] (config)", 'contains CR'),
        (
            {'headers': {'Content-Length': '1'}},
            "headers['Content-Length'] (config)",
            'set by dlmachine',
        ),
        ({'verify': 'perhaps'}, 'verify (config)', 'must be true or false'),
        ({'path': 5}, 'path (config)', 'must be text'),
        (5, 'config', 'must be a file or a mapping'),
    ],
    ids=str,
)
def test_bad_values_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: object, where: str, problem: str
) -> None:
    """The error for a bad file or value names its file, its line or its name."""
    monkeypatch.chdir(tmp_path)
    Path('broken.toml').write_text('retries = 1\n= 3\n', encoding='utf-8')
    Path('broken.yaml').write_text('a: 1\n  b: [\n', encoding='utf-8')
    Path('broken.json').write_text('{"retries": 1,\n]', encoding='utf-8')
    Path('list.json').write_text('[1]', encoding='utf-8')
    Path('latin.json').write_bytes(b'{"user_agent": "\xe9"}')
    Path('bad.toml').write_text('retries = "many"\n', encoding='utf-8')

    fault = load_config(config, {}, {}, os.devnull).failure()  # type: ignore[arg-type]

    assert isinstance(fault, InvalidInput)
    assert fault.where == where
    assert problem in fault.problem


def test_the_user_file_need_not_exist_unless_it_is_named(tmp_path: Path) -> None:
    """The default file may be missing; a file that was named may not."""
    absent = str(tmp_path / 'absent.toml')

    named = load_config(None, {}, {'DLMACHINE_CONFIG': absent}, os.devnull)

    assert load(user_file=absent).policy.retries == 3
    assert named.failure() == InvalidInput(
        where=absent, problem='cannot be read: No such file or directory'
    )


def test_the_user_file_is_looked_for_in_the_folder_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's file is read from the folder that platformdirs returns."""
    folder = tmp_path / 'settings'
    folder.mkdir()
    (folder / 'config.toml').write_text('retries = 9\n', encoding='utf-8')
    monkeypatch.setattr('platformdirs.user_config_dir', lambda _: str(folder))
    monkeypatch.setenv('XDG_CONFIG_HOME', str(tmp_path))

    assert load_config(None, {}, {}).unwrap().policy.retries == 9


@pytest.mark.parametrize(
    'environ',
    [
        {'HOME': '/home/me'},
        {'HOME': '/home/me/'},
        {'HOME': '/'},
        {'HOME': 'me'},
        {'HOME': ''},
        {'HOME': '/home/me', 'XDG_CONFIG_HOME': ''},
        {'HOME': '/home/me', 'XDG_CONFIG_HOME': '/etc/me'},
        {'HOME': '/home/me', 'XDG_CONFIG_HOME': 'relative'},
        {'HOME': '/home/me', 'ANDROID_DATA': '/data', 'ANDROID_ROOT': '/system'},
    ],
    ids=str,
)
def test_the_folder_is_that_of_platformdirs(
    monkeypatch: pytest.MonkeyPatch, environ: Mapping[str, str]
) -> None:
    """The shortcut on Linux returns the same folder without importing platformdirs."""
    for name in ('XDG_CONFIG_HOME', 'ANDROID_DATA', 'ANDROID_ROOT'):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    expected = Path(platformdirs.user_config_dir('dlmachine'), 'config.toml')
    assert user_config_file() == str(expected)


@pytest.mark.parametrize(
    ('keywords', 'config', 'environ', 'expected'),
    [
        ({'pkg': 'mine'}, None, {'DLMACHINE_CACHE_DIR': '/c'}, (None, 'mine')),
        ({}, {'path': '/d'}, {'DLMACHINE_PKG': 'mine'}, ('/d', None)),
        ({}, None, {'DLMACHINE_CACHE_DIR': '/c'}, ('/c', None)),
        ({}, None, {'DLMACHINE_PATH': '/p'}, ('/p', None)),
        ({'path': Path('/k')}, {'path': '/d'}, {}, ('/k', None)),
    ],
    ids=['pkg over path', 'path over pkg', 'cache dir', 'path variable', 'path object'],
)
def test_the_highest_source_decides_about_the_cache(
    keywords: Mapping[str, object],
    config: object,
    environ: Mapping[str, str],
    expected: tuple[str | None, str | None],
) -> None:
    """`path` and `pkg` are two options for the cache folder: the higher source decides."""
    found = load(config, keywords, environ)

    assert (found.path, found.pkg) == expected


def test_a_home_in_a_path_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` in a file or a variable is expanded."""
    monkeypatch.setenv('HOME', '/home/me')

    assert load({'path': '~/cache'}).path == '/home/me/cache'


@pytest.mark.parametrize(
    ('environ', 'expected'),
    [
        ({}, True),
        ({'DLMACHINE_NO_PROGRESS': '1'}, False),
        ({'DLMACHINE_NO_PROGRESS': 'please'}, False),
        ({'DLMACHINE_NO_PROGRESS': '0'}, True),
        ({'DLMACHINE_PROGRESS': 'no'}, False),
    ],
    ids=str,
)
def test_progress_can_be_turned_off(environ: Mapping[str, str], expected: bool) -> None:
    """By its own name, or by one that other programs use."""
    assert load(environ=environ).progress is expected


def test_defaults_of_every_request() -> None:
    """Headers and TLS of the configuration become keywords of each descriptor."""
    environ = {
        'DLMACHINE_HEADERS': 'A: 1\nB: 2',
        'DLMACHINE_VERIFY': 'no',
        'DLMACHINE_CAINFO': '/ca',
    }

    found = load({'headers': {'A': '3'}}, environ=environ)

    assert dict(found.described) == {'headers': {'A': '3'}, 'verify': False, 'cainfo': '/ca'}


def test_synonyms_are_the_same_setting() -> None:
    """`connect_timeout` in a file is overruled by `connecttimeout` as a keyword."""
    found = load({'connect_timeout': 5}, {'connecttimeout': 6})

    assert found.policy.connect_timeout.total_seconds() == 6


def test_an_option_has_one_name_everywhere() -> None:
    """Keyword, file, environment and `Policy`; the name of the original is a silent synonym."""
    for variable in ('DLMACHINE_CONNECT_TIMEOUT', 'DLMACHINE_CONNECTTIMEOUT'):
        found = load({}, environ={variable: '6'})
        assert found.policy.connect_timeout.total_seconds() == 6
        assert [one.name for one in found.settings if one.source != 'default'] == [
            'connect_timeout'
        ]


def test_the_old_name_of_an_option_warns() -> None:
    """And still works, wherever it is set."""
    for keywords, environ in (
        ({'destination': '/x'}, {}),
        ({}, {'DLMACHINE_DESTINATION': '/x'}),
    ):
        with pytest.warns(DeprecationWarning, match='The option destination is now called dest'):
            assert load({}, keywords, environ=environ).policy.dest == ToPath('/x')


@pytest.mark.filterwarnings('ignore:The option destination')
def test_the_old_name_of_a_variable_is_reported() -> None:
    """As an unknown variable is: in the log, and on stderr of a command."""
    reported = list(unknown_variables({'DLMACHINE_DESTINATION': '/x', 'DLMACHINE_DEST': '/x'}))
    assert reported == ['environment variable DLMACHINE_DESTINATION is now called DLMACHINE_DEST']


def test_every_setting_is_listed_once_and_secrets_are_not_shown() -> None:
    """`dlmachine config` has a row for each name; the repr has no value that may be secret."""
    found = load({'headers': {'Authorization': 'Bearer s3cret'}})

    assert [one.name for one in found.settings] == list(SETTING_NAMES)
    assert 's3cret' not in repr(found)


def test_an_empty_file_is_an_empty_mapping(tmp_path: Path) -> None:
    """An empty file is valid in all three formats."""
    for name in ('a.toml', 'a.yaml', 'a.json'):
        (tmp_path / name).touch()

        assert dict(read_mapping(tmp_path / name).unwrap()) == {}


def test_names_in_a_mapping_are_texts(tmp_path: Path) -> None:
    """YAML allows numbers as names, but no option has one."""
    path = tmp_path / 'a.yaml'
    path.write_text('1: x\n', encoding='utf-8')

    assert read_mapping(path).failure() == InvalidInput(
        where=str(path), problem='has the name 1, which is not text'
    )


@pytest.mark.parametrize(
    ('name', 'text'), [('a.json', '[' * 100_000), ('a.yaml', 'a: !!python/object:os.system {}')]
)
def test_hostile_files_are_refused(tmp_path: Path, name: str, text: str) -> None:
    """Endless nesting does not crash, and a YAML tag creates no object."""
    path = tmp_path / name
    path.write_text(text, encoding='utf-8')

    assert isinstance(read_mapping(path).failure(), InvalidInput)
