"""Manifests: all formats are equivalent, and a bad entry does not affect others."""

from datetime import timedelta
from pathlib import Path

import pytest

from dlmachine.core.faults import Fault, InvalidInput, UnknownName
from dlmachine.core.manifest.item import Item
from dlmachine.core.spec.destination import ToPath
from dlmachine.core.spec.policy import Policy
from dlmachine.manifest import read_manifest
from dlmachine.options.rules import Defaults

A, B = 'http://h/a', 'http://h/b'


def read(tmp_path: Path, name: str, text: str, **described: object) -> tuple[Item, ...]:
    """The items of a file with this content."""
    path = tmp_path / name
    path.write_text(text, encoding='utf-8')
    return read_manifest(
        path, Defaults(policy=Policy(retries=1), described=described or {})
    ).unwrap()


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('l.txt', f'# two\n{A}\n\n  {B}  # the second\n'),
        ('l', f'{A}\r\n{B}'),
        ('l.json', f'["{A}", {{"url": "{B}"}}]'),
        ('l.json', f'{{"downloads": ["{A}", "{B}"]}}'),
        ('l.yaml', f'- {A}\n- url: {B}\n'),
        ('l.yaml', f'download:\n- {A}\n- {B}\n'),
        ('l.toml', f'[[download]]\nurl = "{A}"\n[[download]]\nurl = "{B}"\n'),
        ('l.toml', f'downloads = ["{A}", "{B}"]\n'),
        ('l.toml', f'[first]\nurl = "{A}"\n[second]\nurl = "{B}"\n'),
        ('l.toml', f'[download.first]\nurl = "{A}"\n[download.second]\nurl = "{B}"\n'),
        ('l.yaml', f'first: {A}\nsecond: {{url: {B}}}\n'),
    ],
)
def test_all_forms_read_the_same(tmp_path: Path, name: str, text: str) -> None:
    """Lines, lists, tables and names: the same two downloads with the base options."""
    items = read(tmp_path, name, text)

    assert [item.fault for item in items] == [None, None]
    assert [item.descriptor and item.descriptor.url for item in items] == [A, B]
    assert {item.policy for item in items} == {Policy(retries=1)}


def test_one_descriptor_is_a_manifest_of_one(tmp_path: Path) -> None:
    """A file for `Descriptor.from_file` can be audited, too."""
    (item,) = read(tmp_path, 'one.toml', f'url = "{A}"\nquery = {{ids = [1, 2]}}\n')

    assert item.descriptor is not None
    assert item.descriptor.query == (('ids', '1'), ('ids', '2'))


def test_names_are_those_of_the_entries(tmp_path: Path) -> None:
    """The name in the entry, the name of the table, or else the URL without its secrets."""
    text = f'["http://me:pw@h/x?token=abc", {{"name": "second", "url": "{B}"}}]'

    assert [item.name for item in read(tmp_path, 'l.json', text)] == [
        'http://***@h/x?token=***',
        'second',
    ]
    assert [item.name for item in read(tmp_path, 'l.yaml', f'tab: {A}\n')] == ['tab']


def test_an_entry_is_over_the_defaults_and_these_are_over_the_base(tmp_path: Path) -> None:
    """Options and keywords of the descriptor, from three sources each."""
    text = f"""
        [defaults]
        timeout = 60
        stall_timeout = 5
        headers = {{ A = "defaults", B = "defaults" }}
        [[download]]
        url = "{A}"
        timeout = 90
        dest = "x.csv"
        headers = ["a: entry"]
        [[download]]
        url = "{B}"
    """

    first, second = read(tmp_path, 'l.toml', text, headers={'C': 'base'}, verify=False)

    assert first.descriptor is not None
    assert second.descriptor is not None
    assert (first.policy.timeout, second.policy.timeout) == (
        timedelta(seconds=90),
        timedelta(seconds=60),
    )
    assert {item.policy.stall_timeout for item in (first, second)} == {timedelta(seconds=5)}
    assert {item.policy.retries for item in (first, second)} == {1}
    assert first.policy.dest == ToPath(str(tmp_path / 'x.csv'))
    assert [first.descriptor.headers.get(name) for name in 'AB'] == ['entry', 'defaults']
    assert second.descriptor.headers.get('A') == 'defaults'
    assert not first.descriptor.tls.verify


def test_a_bad_entry_is_a_fault_among_good_ones(tmp_path: Path) -> None:
    """Each invalid item names its entry and its problem."""
    text = f"""[
        "{A}",
        {{"url": "{A}", "retires": 1}},
        {{"url": "{A}", "checksum": "md5:0"}},
        {{"url": "no-url"}},
        {{"ulr": "{A}"}},
        {{"name": "empty"}},
        5,
        "{B}"
    ]"""

    items = read(tmp_path, 'l.json', text)

    faults = [item.fault for item in items]
    where = str(tmp_path / 'l.json')
    assert (faults[0], faults[7]) == (None, None)
    assert all(item.descriptor is None for item in items[1:7])
    assert faults[1] == UnknownName(name='retires', nearest='retries', source=f'{where}, entry 2')
    assert faults[4] == UnknownName(name='ulr', nearest='url', source=f'{where}, entry 5')
    assert [_place(fault) for fault in faults[2:4]] == [
        f'checksum ({where}, entry 3)',
        f'url ({where}, entry 4)',
    ]
    assert faults[5] == InvalidInput(where=f'{where}, entry 6', problem='has no url')
    assert _place(faults[6]) == f'{where}, entry 7'


def test_a_bad_line_is_a_fault_among_good_ones(tmp_path: Path) -> None:
    """In text files, too."""
    items = read(tmp_path, 'l.txt', f'{A}\nnonsense\n{B}\n')

    assert [item.fault is None for item in items] == [True, False, True]


@pytest.mark.parametrize(
    ('name', 'text', 'where', 'problem'),
    [
        ('l.toml', '[[download]\n', '{path}', 'is not TOML'),
        ('l.json', '5', '{path}', 'has no downloads'),
        ('l.json', '{"defaults": 5, "a": "http://h/a"}', '{path}', 'has no downloads'),
        (
            'l.json',
            '{"defaults": {"retries": "x"}, "a": "http://h/a"}',
            'retries ({path}, defaults)',
            'must be a whole number',
        ),
    ],
    ids=['broken', 'a number', 'defaults that are none', 'a bad default'],
)
def test_a_file_that_makes_no_sense_is_one_fault(
    tmp_path: Path, name: str, text: str, where: str, problem: str
) -> None:
    """A problem of the entire file is reported once."""
    path = tmp_path / name
    path.write_text(text, encoding='utf-8')

    fault = read_manifest(path).failure()

    assert isinstance(fault, InvalidInput)
    assert fault.where == where.format(path=path)
    assert problem in fault.problem


def test_an_unknown_default_is_reported_with_its_source(tmp_path: Path) -> None:
    """A typing error in the defaults affects every entry, so it is reported once."""
    path = tmp_path / 'l.json'
    path.write_text('{"defaults": {"retires": 1}, "a": "http://h/a"}', encoding='utf-8')

    fault = read_manifest(path).failure()

    assert fault == UnknownName(name='retires', nearest='retries', source=f'{path}, defaults')


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Both kinds of files, with the same message."""
    for name in ('absent.txt', 'absent.toml'):
        fault = read_manifest(tmp_path / name).failure()

        assert isinstance(fault, InvalidInput)
        assert fault.problem == 'cannot be read: No such file or directory'


def test_a_fragment_is_not_a_comment(tmp_path: Path) -> None:
    """`#` without a space before it belongs to the URL."""
    (item,) = read(tmp_path, 'l.txt', f'{A}#part\n')

    assert item.fault is None


def _place(fault: Fault | None) -> str:
    assert isinstance(fault, InvalidInput)
    return fault.where
