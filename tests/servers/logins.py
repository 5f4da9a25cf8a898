"""Servers that ask for a login: Basic, Digest (RFC 7616) and Bearer."""

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import md5, sha256
from itertools import count
from typing import Any

from tests.servers.http import Asked, Handler, Wire

USER, PASSWORD, TOKEN = 'me', 'planted-password', 'planted-token'


def basic(inside: Handler) -> Handler:
    """A page for who knows the password."""
    plain = b64encode(f'{USER}:{PASSWORD}'.encode()).decode()
    return _behind(lambda asked: asked.get('Authorization') == f'Basic {plain}', 'Basic', inside)


def bearer(inside: Handler, *tokens: str) -> Handler:
    """A page for who has one of the tokens."""
    known = {f'Bearer {token}' for token in tokens or (TOKEN,)}
    return _behind(lambda asked: asked.get('Authorization') in known, 'Bearer', inside)


def digest(inside: Handler, *, algorithm: str = 'SHA-256', uses: int = 1_000) -> Handler:
    """A page for who answers a challenge; a nonce becomes stale after some uses."""
    numbers = count(1)
    state: dict[str, Any] = {'nonce': f'nonce-{next(numbers)}', 'used': 0}

    def handle(asked: Asked, wire: Wire) -> None:
        sent = _parameters(asked.get('Authorization') or '')
        right = _is_right(sent, asked.method, asked.target, algorithm)
        is_fresh = sent.get('nonce') == state['nonce'] and state['used'] < uses
        if right and is_fresh:
            state['used'] += 1
            inside(asked, wire)
            return
        if not is_fresh:
            state.update(nonce=f'nonce-{next(numbers)}', used=0)
        stale = ', stale=true' if right else ''
        field = f'Digest realm="data", nonce="{state["nonce"]}", qop="auth", algorithm={algorithm}'
        wire.respond(401, (('WWW-Authenticate', field + stale),), b'who are you?')

    return handle


def _behind(is_known: Callable[[Asked], bool], scheme: str, inside: Handler) -> Handler:
    def handle(asked: Asked, wire: Wire) -> None:
        if is_known(asked):
            inside(asked, wire)
        else:
            wire.respond(401, (('WWW-Authenticate', f'{scheme} realm="data"'),), b'who are you?')

    return handle


def _parameters(field: str) -> dict[str, str]:
    found = re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', field)
    return {name: quoted or plain for name, quoted, plain in found}


def _is_right(sent: dict[str, str], method: str, target: str, algorithm: str) -> bool:
    def hashed(text: str) -> str:
        kind = md5 if algorithm == 'MD5' else sha256
        return kind(text.encode()).hexdigest()

    known, called = hashed(f'{USER}:data:{PASSWORD}'), hashed(f'{method}:{target}')
    middle = ':'.join(sent.get(name, '') for name in ('nonce', 'nc', 'cnonce', 'qop'))
    is_target = sent.get('uri') == target
    return is_target and sent.get('response') == hashed(f'{known}:{middle}:{called}')
