"""A private certificate authority, and server contexts signed by it."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority with its certificate in `cainfo`."""

    ca: trustme.CA
    cainfo: Path

    @classmethod
    def make(cls, folder: Path, name: str = 'ca') -> 'Authority':
        """Make one, with its certificate in the folder."""
        ca = trustme.CA()
        cainfo = folder / f'{name}.pem'
        ca.cert_pem.write_to_path(str(cainfo))
        return cls(ca, cainfo)

    def server_context(self, *names: str, asks_client: bool = False) -> ssl.SSLContext:
        """The context of a server with these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ('127.0.0.1', 'localhost'))).configure_cert(context)
        if asks_client:
            self.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def locked_key(self, key: Path, password: str) -> Path:
        """The same key in a file with a password."""
        from cryptography.hazmat.primitives import serialization as forms

        loaded = forms.load_pem_private_key(key.read_bytes(), None)
        locked = key.with_suffix('.locked')
        data = loaded.private_bytes(
            forms.Encoding.PEM,
            forms.PrivateFormat.PKCS8,
            forms.BestAvailableEncryption(password.encode()),
        )
        locked.write_bytes(data)
        return locked

    def client_files(self, folder: Path) -> tuple[Path, Path]:
        """Certificate and key of a client, as files."""
        issued = self.ca.issue_cert('client@example.org')
        cert, key = folder / 'client.pem', folder / 'client.key'
        issued.cert_chain_pems[0].write_to_path(str(cert))
        issued.private_key_pem.write_to_path(str(key))
        return cert, key
