"""The name of a downloaded file.  Pure."""

from urllib.parse import quote

from dlmachine.core.http.filename import FALLBACK, name_content, safe_name
from dlmachine.core.http.headers import Headers
from dlmachine.core.secrets.redact import Redactor
from dlmachine.core.spec.descriptor import Descriptor


def naming_url(descriptor: Descriptor) -> str:
    """The URL that names the file if the response does not."""
    resolved = descriptor.resolved
    return descriptor.url if resolved is None else quote(resolved.path)


def name_file(headers: Headers, shown_url: str, redactor: Redactor) -> str:
    """The name of a file by the head of its response and its masked URL, without secrets.

    >>> headers = Headers((('Content-Disposition', 'attachment; filename="s3cret.csv"'),))
    >>> name_file(headers, 'http://h/x', Redactor((), frozenset({'s3cret'})))
    '___.csv'
    """
    name = name_content(headers, shown_url)
    cleaned = redactor.text(name)
    return name if cleaned == name else safe_name(cleaned) or FALLBACK
