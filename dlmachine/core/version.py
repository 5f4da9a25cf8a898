"""The version of dlmachine, and its User-Agent."""

from typing import Final

VERSION: Final = '0.1.0'

#: RFC 9110 section 10.1.5: product/version, then a comment with the address of the project.
USER_AGENT: Final = f'dlmachine/{VERSION} (+https://github.com/saezlab/dlmachine)'
