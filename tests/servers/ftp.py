"""A small read-only FTP server (RFC 959, 2428, 3659) that can misbehave."""

import socket
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpFile:
    """A file; its transfer ends after `sent_bytes`, following a pause of `pause` seconds."""

    data: bytes
    modified: str = '20240501000000'
    sent_bytes: int | None = None
    pause: float = 0.0
    ends_with: str = '226 done'


@dataclass(slots=True)
class FtpServer:
    """An FTP server on loopback.

    `files` by path without the leading slash; `login` is `user:password`, if anonymous is not allowed;
    `refuses` are commands that get a 502; `greeting` is its first line. `commands` are those received so
    far.
    """

    files: dict[str, FtpFile] = field(default_factory=dict)
    login: str = ''
    refuses: frozenset[str] = frozenset()
    greeting: str = '220 ready'
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    _closing: Event = field(default_factory=Event)
    _threads: list[Thread] = field(default_factory=list)
    _open: list[socket.socket] = field(default_factory=list)
    _listener: socket.socket = field(init=False)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(('127.0.0.1', 0))
        thread = Thread(target=self._accept, daemon=True)
        self._threads.append(thread)
        thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def url(self, path: str, login: str = '') -> str:
        """The URL of a file."""
        at = f'{login}@' if login else ''
        return f'ftp://{at}127.0.0.1:{self._listener.getsockname()[1]}/{path}'

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(sock)
            thread = Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, suppress(OSError), sock.makefile('rb') as lines:
            # Small replies must not wait for the other side's acknowledgement.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = _Session(self, sock, self._closing)
            try:
                session.reply(self.greeting)
                if self.greeting.startswith('220'):
                    for line in lines:
                        if not session.obey(line.decode().strip()):
                            break
            finally:
                session.close()


class _Session:
    """One control connection."""

    def __init__(self, server: FtpServer, sock: socket.socket, closing: Event) -> None:
        self._server = server
        self._sock = sock
        self._closing = closing
        self._passive: socket.socket | None = None
        self._offset = 0
        self._user = ''
        self._folder = ''

    def reply(self, line: str) -> None:
        self._sock.sendall(f'{line}\r\n'.encode())

    def close(self) -> None:
        if self._passive is not None:
            self._passive.close()

    def obey(self, line: str) -> bool:
        """Execute a command; return whether the session continues."""
        self._server.commands.append(line)
        verb, _, argument = line.partition(' ')
        verb = verb.upper()
        if verb in self._server.refuses:
            self.reply('502 not here')
        elif verb in {'MDTM', 'SIZE', 'RETR'}:
            self._tell(verb, argument)
        else:
            self._prepare(verb, argument)
        return verb != 'QUIT'

    def _prepare(self, verb: str, argument: str) -> None:
        match verb:
            case 'USER':
                self._user = argument
                self.reply('331 password please')
            case 'PASS':
                login = f'{self._user}:{argument}'
                is_known = login == self._server.login or not self._server.login
                self.reply('230 welcome' if is_known else '530 who are you')
            case 'CWD':
                self._change_folder(argument)
            case 'EPSV':
                self.close()
                self._passive = socket.create_server(('127.0.0.1', 0))
                self.reply(f'229 Entering (|||{self._passive.getsockname()[1]}|)')
            case 'REST':
                self._offset = int(argument)
                self.reply('350 go on')
            case _:
                fixed = {'PWD': '257 "/"', 'TYPE': '200 well', 'QUIT': '221 bye'}
                self.reply(fixed.get(verb, '502 what'))

    def _tell(self, verb: str, argument: str) -> None:
        path = argument.lstrip('/') if argument.startswith('/') else f'{self._folder}{argument}'
        file = self._server.files.get(path)
        if file is None or (verb == 'RETR' and self._passive is None):
            self.reply('550 no such file')
        elif verb == 'MDTM':
            self.reply(f'213 {file.modified}')
        elif verb == 'SIZE':
            self.reply(f'213 {len(file.data)}')
        else:
            self._retrieve(file)

    def _change_folder(self, argument: str) -> None:
        folder = '' if argument == '/' else f'{self._folder}{argument}/'.lstrip('/')
        if folder and not any(path.startswith(folder) for path in self._server.files):
            self.reply('550 no such folder')
            return
        self._folder = folder
        self.reply('250 well')

    def _retrieve(self, file: FtpFile) -> None:
        offset, self._offset = self._offset, 0
        assert self._passive is not None
        data, _ = self._passive.accept()
        with data:
            self.reply('150 here it comes')
            data.sendall(file.data[offset : file.sent_bytes])
            if file.pause:
                self._closing.wait(file.pause)
        self.reply(file.ends_with)
