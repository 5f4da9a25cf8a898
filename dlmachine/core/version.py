"""The version of dlmachine, and how it introduces itself to servers."""

from typing import Final

VERSION: Final = '0.1.0'

#: RFC 9110 section 10.1.5: product/version, then a comment that says where to complain.
USER_AGENT: Final = f'dlmachine/{VERSION} (+https://github.com/saezlab/dlmachine)'
