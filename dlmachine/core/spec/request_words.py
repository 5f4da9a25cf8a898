"""Parse the keywords of a request for its content (query, form, JSON, multipart, data) and for TLS.

Pure.
"""

from collections.abc import Iterable
from pathlib import PurePath
from typing import assert_never

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput, refuse
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.http import body as bodies
from dlmachine.core.http.request import Tls
from dlmachine.core.http.url import parse_url
from dlmachine.core.secrets.redact import MASK, Redactor
from dlmachine.core.spec.local_path import parse_local_path


def parse_content(
    query: object, *, post: object, json: object, multipart: object, data: object
) -> Result[tuple[bodies.Pairs, bodies.Body], Fault]:
    """Parse the query and the body from a caller's keywords.

    Faults: `InvalidInput`, whose `where` names the argument.
    """
    # post=True with another body has no effect: any body is sent by POST.
    form = False if post is True else post
    words = {'post': form, 'json': json, 'multipart': multipart, 'data': data}
    given = [name for name, value in words.items() if value is not None and value is not False]
    if len(given) > 1:
        return refuse('body', f'is given by {" and ".join(given)}, but a request has one body')
    if json is True:
        return bodies.parse_json(query, 'query').map(lambda value: ((), value))
    if post is True and not given:
        return _parse_form(query, 'query').map(lambda value: ((), value))
    nothing: Result[bodies.Body, Fault] = Success(bodies.NoBody())
    body = _parse_body(given[0], words[given[0]]) if given else nothing
    return body.bind(lambda sent: _parse_query(query).map(lambda pairs: (pairs, sent)))


def parse_tls(*, verify: object, cainfo: object, cert: object, key: object) -> Result[Tls, Fault]:
    """Check the paths of certificates and keys.

    Faults: `InvalidInput`, whose `where` names the argument.
    """
    if not isinstance(verify, bool):
        return refuse('verify', f'must be True or False, not {shown_value(verify)}')
    texts: dict[str, str | None] = {}
    for name, value in (('cainfo', cainfo), ('cert', cert), ('key', key)):
        if value is not None and not isinstance(value, (str, PurePath)):
            return refuse(name, f'must be a path, not {type(value).__name__}')
        texts[name] = None if value is None else str(value)
    for name, text in texts.items():
        parsed = parse_local_path(text, name) if text else Success('')
        if not is_successful(parsed):
            return Failure(parsed.failure())
    paths = texts['cainfo'], texts['cert'], texts['key']
    return Success(Tls(verify=verify, cainfo=paths[0], cert=paths[1], key=paths[2]))


def _parse_body(name: str, value: object) -> Result[bodies.Body, Fault]:
    if name == 'post':
        return _parse_form(value, 'post')
    if name == 'json':
        return bodies.parse_json(value, 'json')
    if name == 'multipart':
        return bodies.parse_multipart(value)
    return _parse_raw(value)


def _parse_raw(data: object) -> Result[bodies.Body, Fault]:
    # bytes(5) would be five NULs.
    if isinstance(data, str):
        return Success(bodies.RawBody(data.encode('utf-8', 'surrogatepass')))
    if isinstance(data, (bytes, bytearray, memoryview)):
        return Success(bodies.RawBody(bytes(data)))
    problem = f'must be text or bytes, not {type(data).__name__}'
    advice = 'For a form pass post={…}, for JSON pass json={…}'
    return refuse('data', problem, advice)


def take_body(
    parsed: tuple[bodies.Pairs, bodies.Body], body: bodies.Body
) -> Result[tuple[bodies.Pairs, bodies.Body], Fault]:
    """Use a body that the caller made, unless the keywords already make one."""
    pairs, other = parsed
    if other != bodies.NoBody():
        problem = 'is passed twice, but a request has one body'
        return refuse('body', problem)
    if isinstance(body, bodies.JsonBody):
        return bodies.check_json(body, 'body').map(lambda checked: (pairs, checked))
    return Success((pairs, body))


def _parse_form(given: object, where: str) -> Result[bodies.Body, Fault]:
    if isinstance(given, (str, bytes)):
        raw = given.encode('utf-8', 'surrogatepass') if isinstance(given, str) else given
        return Success(bodies.RawBody(raw, bodies.FORM_TYPE))
    return bodies.parse_pairs({} if given is None else given, where).map(bodies.FormBody)


def _parse_query(query: object) -> Result[bodies.Pairs, Fault]:
    # Values are percent-encoded, so they cannot break the framing of the message.
    return bodies.parse_pairs({} if query is None else query, 'query')


def parse_mirrors(given: object) -> Result[tuple[str, ...], Fault]:
    """Parse alternative URLs."""
    mirrors = [given] if isinstance(given, str) else [] if given is None else given
    if not isinstance(mirrors, Iterable):
        problem = f'must be a list of URLs, not {type(given).__name__}'
        return Failure(InvalidInput(where='mirrors', problem=problem))
    parsed = [parse_url(mirror, f'mirrors[{index}]') for index, mirror in enumerate(mirrors)]
    for result in parsed:
        if not is_successful(result):
            return Failure(result.failure())
    return Success(tuple(str(result.unwrap()) for result in parsed))


def redact_body(body: bodies.Body, redactor: Redactor) -> bodies.Body:
    """A body without secrets, to be shown."""
    # Only the fields of forms have names that tell whether a value is secret.
    match body:
        case bodies.NoBody():
            return body
        case bodies.FormBody(pairs=pairs):
            return bodies.FormBody(redactor.pairs(pairs))
        case bodies.JsonBody():
            return bodies.JsonBody(f'"{MASK}"')
        case bodies.RawBody(content_type=content_type):
            return bodies.RawBody(MASK.encode(), content_type)
        case bodies.MultipartBody():
            return bodies.MultipartBody(())
        case _:
            assert_never(body)
