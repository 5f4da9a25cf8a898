"""The help for options."""

from dlmachine.core.spec.option_help import DESCRIPTOR_HELP, OPTION_HELP
from dlmachine.core.spec.option_table import DESCRIPTOR_NAMES, OPTIONS


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
