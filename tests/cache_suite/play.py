"""Play the suite with one client: `python -m tests.cache_suite.play PACKAGE CLIENT`.

It needs the network namespace that `python -m tests.cache_suite` makes, since the server of the
suite listens on all addresses. PACKAGE is the unpacked package.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from tests.cache_suite.checks import CheckFailed, check_answer, check_server, fixed
from tests.cache_suite.clients import CLIENTS, Answer, Send
from tests.cache_suite.tiers import figures

_PORT: Final = 8_123
_BASE: Final = f'http://127.0.0.1:{_PORT}'
#: npm hands its settings to a package in these variables.
_SETTINGS: Final = {
    'npm_config_protocol': 'http',
    'npm_config_port': str(_PORT),
    'npm_config_base': _BASE,
    'npm_config_id': '',
    'npm_package_config_id': '',
}
_EXPORT: Final = "import t from './tests/index.mjs'; console.log(JSON.stringify(t))"
_AT_ONCE: Final = 16
_PAUSE_SECONDS: Final = 3


def main(package: str, client: str) -> int:
    """Print the figures by tier, and each test that did not pass."""
    exported = subprocess.run(
        ['node', '--no-warnings', '--input-type=module', '-e', _EXPORT],
        cwd=package,
        env={**os.environ, **_SETTINGS},
        capture_output=True,
        check=True,
    )
    tests = {
        f'{section["id"]}/{test["id"]}': test
        for section in json.loads(exported.stdout)
        for test in section['tests']
        if not test.get('browser_skip')
    }
    name, make = CLIENTS[client]
    with _server(package), ThreadPoolExecutor(_AT_ONCE) as pool:
        verdicts = pool.map(lambda test: _play(test, make), tests.values())
        lines, failed = figures(tests, dict(zip(tests, verdicts, strict=True)))
    print(f'{client} ({name} {version(name)}): {", ".join(lines)}')
    for line in failed:
        print(f'  {line}'[:200])
    return 0


@contextmanager
def _server(package: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        settings = {**os.environ, **_SETTINGS, 'npm_config_pidfile': str(Path(folder, 'pid'))}
        command = ['node', '--no-warnings', 'server/server.mjs']
        with subprocess.Popen(command, cwd=package, env=settings, stdout=subprocess.DEVNULL) as run:
            try:
                _wait_for_server()
                yield
            finally:
                run.terminate()


def _wait_for_server() -> None:
    for _ in range(100):
        try:
            _ask('GET', '/README.md')
        except OSError:
            time.sleep(0.1)
        else:
            return
    msg = 'the server of the suite does not start'
    raise RuntimeError(msg)


def _ask(method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
    connection = HTTPConnection('127.0.0.1', _PORT, timeout=20)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _play(test: Mapping[str, Any], make: Any) -> str | None:
    token = str(uuid.uuid4())
    configs = [{**one, 'name': test['name'], 'id': test['id']} for one in test['requests']]
    answers: list[Answer] = []
    try:
        _ask('PUT', f'/config/{token}', json.dumps(configs))
        with tempfile.TemporaryDirectory() as folder, make(folder) as send:
            for number, config in enumerate(configs, start=1):
                answers.append(_send(send, config, number, token, answers))
                check_answer(config, number, answers[-1], token)
                if 'pause_after' in config:
                    time.sleep(_PAUSE_SECONDS)
        status, state = _ask('GET', f'/state/{token}')
        check_server(configs, answers, json.loads(state) if status == 200 else [])
    except CheckFailed as failure:
        return f'{"setup: " if failure.is_setup else ""}{failure}'
    except Exception as error:  # noqa: BLE001 -- a client may raise anything
        return f'{type(error).__name__}: {error}'
    return None


def _send(
    send: Send, config: Mapping[str, Any], number: int, token: str, before: Sequence[Answer]
) -> Answer:
    fields = [(name, str(value)) for name, value, *_ in config.get('request_headers', ())]
    if config.get('magic_ims') and before:
        fields = [
            (one[0], fixed(one, before[-1], config)) for one in config.get('request_headers', ())
        ]
    if config.get('cache') == 'no-cache':
        # As the Fetch standard has it for this mode; other modes do not occur.
        fields.append(('Cache-Control', 'max-age=0'))
    name = config['name'].encode('ascii', 'replace').decode()
    fields += [('Test-Name', name), ('Test-ID', config['id']), ('Req-Num', str(number))]
    path = f'/test/{token}'
    if 'filename' in config:
        path += f'/{config["filename"]}'
    if 'query_arg' in config:
        path += f'?{config["query_arg"]}'
    method = config.get('request_method', 'GET')
    return send(method, f'{_BASE}{path}', fields, config.get('request_body'))


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
