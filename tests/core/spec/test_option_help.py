"""The help for options."""

from datetime import timedelta

import pytest

from dlmachine.core.keeping.limits import Keeping
from dlmachine.core.network.network import Network
from dlmachine.core.spec.destination import ToMemory
from dlmachine.core.spec.option_help import (
    DESCRIPTOR_HELP,
    OPTION_HELP,
    OptionHelp,
    describe_options,
)
from dlmachine.core.spec.option_parsers import (
    read_age,
    read_bool,
    read_dest,
    read_method,
    read_seconds,
    read_size,
)
from dlmachine.core.spec.option_table import DESCRIPTOR_NAMES, OPTIONS, Option
from dlmachine.core.spec.policy import Policy


def test_every_option_has_help() -> None:
    """The order is that of the tables."""
    assert list(OPTION_HELP) == list(OPTIONS)
    assert list(DESCRIPTOR_HELP) == list(DESCRIPTOR_NAMES)


def test_a_line_has_type_unit_and_default() -> None:
    """They are in Python syntax; a default is in the unit of the option."""
    lines = [
        str(OPTION_HELP[name]).partition(':')[0]
        for name in ('retry_wait', 'check_method', 'newer_than', 'dest', 'backend')
    ]

    assert lines == [
        'retry_wait (float | timedelta; seconds; default 1)',
        "check_method (CheckMethod | CheckMethodName; default 'auto')",
        'newer_than (datetime | date | timedelta | str | None; default None)',
        'dest (PathInput | bool | None; default None)',
        "backend (str; default 'requests')",
    ]
    assert OPTION_HELP['retry_after_max'].default == '300'
    assert (
        str(DESCRIPTOR_HELP['verify'])
        == "verify (bool; default True): check the server's certificate"
    )


def test_every_duration_and_every_number_of_bytes_has_its_unit() -> None:
    """A number without a unit would be ambiguous."""
    units = {'float | timedelta': 'seconds', 'int | str': 'bytes'}
    for kind, unit in units.items():
        for option in OPTION_HELP.values():
            assert kind not in option.type or option.unit.startswith(unit), option.name


SECONDS, METHOD = 'float | timedelta', 'CheckMethod | CheckMethodName'
ALLOWED = Policy(network=Network(allow_file=True))


@pytest.mark.parametrize(
    ('option', 'values', 'told'),
    [
        (Option('stall_timeout', read_seconds, 'a'), Policy(), (SECONDS, 'a', 'seconds', '60')),
        (Option('max_bytes', read_size, 'b', unit='KiB'), Policy(max_bytes=7), ('int | str | None', 'b', 'KiB', '7')),
        (Option('check_method', read_method, 'c'), Policy(), (METHOD, 'c', '', "'auto'")),
        (Option('dest', read_dest, 'd'), Policy(), ('PathInput | bool | None', 'd', '', 'None')),
        (Option('dest', read_dest, 'd'), Policy(dest=ToMemory()), ('PathInput | bool | None', 'd', '', 'ToMemory()')),
        (Option('allow_file', read_bool, 'e', within='network'), ALLOWED, ('bool', 'e', '', 'True')),
        (
            Option('grace_period', read_age, 'f'), Keeping(grace_period=timedelta(hours=3)),
            ('timedelta | str', 'f', '', "'3 h'"),
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Option) else '',
)  # fmt: skip
def test_help_comes_from_the_table(
    option: Option, values: object, told: tuple[str, str, str, str]
) -> None:
    """The type is that of the parser, the default that of the value; an option may have its own unit."""
    assert describe_options({'name': option}, values) == {'name': OptionHelp('name', *told)}
