"""Which stored responses are for a request, by Vary (RFC 9111 section 4.1).

Pure. Values are compared as sent, except that the lines of a field are joined and spaces around it
removed.
"""

from dlmachine.core.caching.stored_response import SelectingFields, StoredResponse
from dlmachine.core.http.headers import Headers


def vary_names(response: Headers) -> tuple[str, ...] | None:
    """The request fields that Vary names, in lower case; None if it says `*`.

    >>> vary_names(Headers((('Vary', 'Accept, , FOO'), ('Vary', 'foo'))))
    ('accept', 'foo')
    >>> vary_names(Headers((('Vary', 'Accept, *'),))) is None
    True
    """
    fields = response.get_all('Vary')
    names = (name.strip(' \t').casefold() for field in fields for name in field.split(','))
    found = tuple(dict.fromkeys(name for name in names if name))
    return None if '*' in found else found


def selecting_fields(request: Headers, response: Headers) -> SelectingFields:
    """The fields of a request that its response depends on, as kept with it."""
    return tuple((name, _value_of(request, name)) for name in vary_names(response) or ())


def is_selected(response: StoredResponse, request: Headers) -> bool:
    """Whether a stored response is one for a request with these fields.

    A field that is absent matches only an absent one, and `*` matches no request.
    """
    names = tuple(name for name, _ in response.selecting)
    return names == vary_names(response.headers) and all(
        _value_of(request, name) == value for name, value in response.selecting
    )


def _value_of(request: Headers, name: str) -> str | None:
    values = request.get_all(name)
    return ', '.join(value.strip(' \t') for value in values) if values else None
