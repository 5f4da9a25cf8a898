"""Requests, and the certificates of their connections."""

from dlmachine.core.http.headers import Headers
from dlmachine.core.http.request import Request, Tls, without_credentials


def test_certificates_for_another_origin() -> None:
    """The client's is left out, with the password of its key; what the server is checked by stays."""
    tls = Tls(verify=False, cainfo='ca', cert='c', key='k', passphrase='planted')
    assert tls.without_client() == Tls(verify=False, cainfo='ca')
    assert tls.redacted() == Tls(verify=False, cainfo='ca', cert='c', key='k')


def test_a_request_without_its_secrets() -> None:
    """It keeps the names by which they are known."""
    fields = Headers((('Code', 'a'), ('X', 'b'), ('Y', 'planted')), ('code',))
    sent = Request(
        method='PUT',
        url='https://h/?code=1',
        headers=fields,
        tls=Tls(cert='c', passphrase='x'),
        secret_names=('code',),
        hidden=('planted',),
    )
    shown = sent.redacted()
    assert shown == Request(
        method='PUT',
        url='https://h/?code=***',
        headers=Headers((('Code', '***'), ('X', 'b'), ('Y', '***'))),
        tls=Tls(cert='c'),
        secret_names=('code',),
    )
    assert shown.headers.secret_names == ('code',)


def test_fields_for_another_origin() -> None:
    """Those that are secret by name, by a declared name, or by a URL in them, stay behind."""
    fields = (
        ('Host', 'h'), ('Cookie', 'a'), ('Code', 'b'), ('Referer', 'https://h/?code=c'),
        ('X', 'https://h/?sid=d'), ('Accept', '*/*'), ('Y', 'https://h/?a=e'),
    )  # fmt: skip
    left = without_credentials(Headers(fields, ('code',)))
    assert left.items == (('Accept', '*/*'), ('Y', 'https://h/?a=e'))
