"""An SFTP server on loopback, by asyncssh."""

import asyncio
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

import asyncssh


class SftpServer:
    """Serves a folder to a user with a password, or with a key if `public_key` is that.

    `host_key` is its line for `known_hosts`.
    """

    def __init__(self, folder: Path, user: str, password: str, public_key: bytes = b'') -> None:
        self._folder, self._login, self._public_key = folder, (user, password), public_key
        self._key = asyncssh.generate_private_key('ssh-ed25519')
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._listener: Any = None
        self._open: list[Any] = []

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(20)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def port(self) -> int:
        """The port."""
        port: int = self._listener.get_port()
        return port

    @property
    def host_key(self) -> str:
        """The line of this server in a `known_hosts` file."""
        return f'[127.0.0.1]:{self.port} {self._key.export_public_key().decode()}'

    def url(self, path: str) -> str:
        """The URL of a file."""
        return f'sftp://127.0.0.1:{self.port}/{path}'

    async def _listen(self) -> None:
        login, folder = self._login, bytes(self._folder)

        opened, public_key = self._open, self._public_key

        class Passwords(asyncssh.SSHServer):
            def connection_made(self, conn: Any) -> None:
                opened.append(conn)

            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == login

            def public_key_auth_supported(self) -> bool:
                return bool(public_key)

            def validate_public_key(self, username: str, key: Any) -> bool:
                return username == login[0] and key.export_public_key() == public_key

        self._listener = await asyncssh.listen(
            '127.0.0.1',
            0,
            server_factory=Passwords,
            server_host_keys=[self._key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=folder),
        )

    async def _close(self) -> None:
        self._listener.close()
        for connection in self._open:
            connection.abort()
            await connection.wait_closed()
        await self._listener.wait_closed()
