"""Remedies name flags on the command line, and keywords in Python."""

import re

import pytest

from dlmachine.cli.parameters.flags import in_flags
from tests.core.faults.test_faults import TEXTS

#: Words that are not options of the command line, in any form.
NONE = {'validate', 'any_status', 'member', 'form'}


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('pass check_content=False', 'pass --no-check-content'),
        ('make it, or pass create_dirs=True', 'make it, or leave out --no-create-dirs'),
        ('pass cert= and key=', 'pass --cert and --key'),
        ('Raise connect_timeout= if', 'Raise --connect-timeout if'),
        ('add a mirror with mirrors=', 'add a mirror with --mirror'),
        ("or pass checksum='sha256:<hex>'", "or pass --checksum 'sha256:<hex>'"),
        ('set pkg=', 'set DLMACHINE_PKG'),
        ('pass verify=False', 'pass --no-verify'),
        ('pass offline=True', 'pass --offline'),
        ('Use fewer workers=8', 'Use fewer --workers 8'),
        ('raise connecttimeout=', 'raise --connect-timeout'),
        ('pass destination=', 'pass --output'),
        ('pass allow_outside=True', 'pass --allow-outside'),
        ('pass unheard_of=', 'pass unheard_of='),
        ('http://h/x?retries=5: no', 'http://h/x?retries=5: no'),
    ],
)
def test_options_are_named_as_flags(text: str, shown: str) -> None:
    """On the command line; a URL that looks like an option stays."""
    assert in_flags(text) == shown


@pytest.mark.parametrize('fault', [fault for fault, _ in TEXTS], ids=lambda one: one.code)
def test_no_remedy_speaks_python_on_the_command_line(fault: object) -> None:
    """Checked for every fault."""
    left = re.findall(r'(?<!\S)([a-z_]+)=', in_flags(fault.remedy()))  # type: ignore[attr-defined]
    assert set(left) <= NONE
