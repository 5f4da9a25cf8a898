"""Parse the keywords for the content of a request: query, form, JSON, multipart, data.  Pure."""

from returns.result import Failure, Result, Success

from dlmachine.core.faults import Fault, InvalidInput
from dlmachine.core.http.body import (
    FORM_TYPE,
    Body,
    FormBody,
    JsonBody,
    NoBody,
    Pairs,
    RawBody,
    check_json,
    parse_json,
    parse_multipart,
    parse_pairs,
)


def parse_content(
    query: object, *, post: object, json: object, multipart: object, data: object
) -> Result[tuple[Pairs, Body], Fault]:
    """Parse the query and the body from a caller's keywords.

    Faults: `InvalidInput`, whose `where` names the argument.
    """
    # post=True with another body has no effect: any body is sent by POST.
    form = False if post is True else post
    words = {'post': form, 'json': json, 'multipart': multipart, 'data': data}
    given = [name for name, value in words.items() if value is not None and value is not False]
    if len(given) > 1:
        problem = f'is given by {" and ".join(given)}, but a request has one body'
        return Failure(InvalidInput(where='body', problem=problem))
    if json is True:
        return parse_json(query, 'query').map(lambda value: ((), value))
    if post is True and not given:
        return _parse_form(query, 'query').map(lambda value: ((), value))
    nothing: Result[Body, Fault] = Success(NoBody())
    body = _parse_body(given[0], words[given[0]]) if given else nothing
    return body.bind(lambda sent: _parse_query(query).map(lambda pairs: (pairs, sent)))


def _parse_body(name: str, value: object) -> Result[Body, Fault]:
    if name == 'post':
        return _parse_form(value, 'post')
    if name == 'json':
        return parse_json(value, 'json')
    if name == 'multipart':
        return parse_multipart(value)
    return _parse_raw(value)


def _parse_raw(data: object) -> Result[Body, Fault]:
    # bytes(5) would be five NULs.
    if isinstance(data, str):
        return Success(RawBody(data.encode('utf-8', 'surrogatepass')))
    if isinstance(data, (bytes, bytearray, memoryview)):
        return Success(RawBody(bytes(data)))
    problem = f'must be text or bytes, not {type(data).__name__}'
    advice = 'For a form pass post={…}, for JSON pass json={…}'
    return Failure(InvalidInput(where='data', problem=problem, advice=advice))


def take_body(parsed: tuple[Pairs, Body], body: Body) -> Result[tuple[Pairs, Body], Fault]:
    """Use a body that the caller made, unless the keywords already make one."""
    pairs, other = parsed
    if other != NoBody():
        problem = 'is passed twice, but a request has one body'
        return Failure(InvalidInput(where='body', problem=problem))
    if isinstance(body, JsonBody):
        return check_json(body, 'body').map(lambda checked: (pairs, checked))
    return Success((pairs, body))


def _parse_form(given: object, where: str) -> Result[Body, Fault]:
    if isinstance(given, (str, bytes)):
        raw = given.encode('utf-8', 'surrogatepass') if isinstance(given, str) else given
        return Success(RawBody(raw, FORM_TYPE))
    return parse_pairs({} if given is None else given, where).map(FormBody)


def _parse_query(query: object) -> Result[Pairs, Fault]:
    # Values are percent-encoded, so they cannot break the framing of the message.
    return parse_pairs({} if query is None else query, 'query')
