"""Read and fill in the form of a login page, and tell whether the login has worked.

Pure. A form is sent only to the origin of the login's URL.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from dlmachine.core.access.login_recipe import Login
from dlmachine.core.faults import (
    BodyTooLarge,
    ContentRefused,
    DigestMismatch,
    Fault,
    HttpStatus,
    LoginFailed,
)
from dlmachine.core.faults.printing import printable, shortened
from dlmachine.core.frozen import frozen
from dlmachine.core.http.body import Pairs
from dlmachine.core.http.url import join_url, parse_url

if TYPE_CHECKING:
    from dlmachine.core.text.html_tags import Attributes, Tag

#: Forms are searched for in this many characters; a login page is shorter.
MAX_SCANNED_CHARS: Final = 1 << 18
#: The number of names in a message.
_SHOWN_NAMES: Final = 20
_CONTROLS: Final = frozenset({'input', 'select', 'textarea', 'button'})
_UNSENT: Final = frozenset({'submit', 'button', 'image', 'reset', 'file'})
_TICKED: Final = frozenset({'checkbox', 'radio'})


@frozen
class Form:
    """A form: where it is sent, by which method, and its fields with their values.

    `unsent` are the names of boxes that are not ticked, and of buttons.
    """

    action: str = ''
    method: str = 'get'
    fields: Pairs = ()
    unsent: tuple[str, ...] = ()
    has_password: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all fields."""
        return (*dict(self.fields), *self.unsent)


@frozen
class Page:
    """A web page: its URL, its text, its forms, and its `meta` elements by name."""

    url: str
    text: str = ''
    forms: tuple[Form, ...] = ()
    metas: Pairs = ()


@frozen
class Filled:
    """A form that is filled in: the URL that it is sent to, and its fields."""

    url: str
    pairs: Pairs


def read_page(url: str, body: bytes, content_type: str) -> Page:
    """Read a page.

    >>> body = b'<form method=post action=/in><input name=user><input name=pw type=password></form>'
    >>> [form] = read_page('https://h/login', body, 'text/html').forms
    >>> form.action, form.fields, form.has_password
    ('/in', (('user', ''), ('pw', '')), True)
    """
    # Imported late: most downloads need no login.
    from dlmachine.core.text.html_tags import decode_page, read_tags

    text = decode_page(body, content_type)
    forms: list[Form] = []
    metas: list[tuple[str, str]] = []
    attributes: Attributes | None = None
    inside: list[Tag] = []
    for tag in read_tags(text[:MAX_SCANNED_CHARS]):
        if tag.name == 'meta' and tag.attributes.get('name') and tag.attributes.get('content'):
            metas.append((tag.attributes['name'], tag.attributes['content']))
        elif attributes is None:
            # HTML has no forms inside forms.
            attributes = tag.attributes if tag.name == 'form' and not tag.is_end else None
        elif tag.name == 'form' and tag.is_end:
            forms.append(_form(attributes, inside))
            attributes, inside = None, []
        elif tag.name in _CONTROLS or tag.name == 'option':
            inside.append(tag)
    if attributes is not None:
        forms.append(_form(attributes, inside))
    return Page(url=url, text=text, forms=tuple(forms), metas=tuple(metas))


def fill_in(page: Page, login: Login, values: Mapping[str, str]) -> Result[Filled, Fault]:
    """Fill in the form of a login page with the values of a caller.

    Faults: `LoginFailed` for a page without such a form, or with one that is sent elsewhere.

    >>> fields = (('csrf', '7'), ('user', ''), ('password', ''))
    >>> page = Page(url='https://h.org/login', forms=(Form(method='post', fields=fields),))
    >>> recipe = Login('https://h.org/login', (), token='csrf')
    >>> fill_in(page, recipe, {'user': 'me', 'password': 'x'}).unwrap().pairs
    (('csrf', '7'), ('user', 'me'), ('password', 'x'))
    """
    if parse_url(page.url).unwrap().origin != login.location.origin:
        place = _origin_of(page.url)
        return _refuse(login, f'its page redirects to {place}, which does not get the form')
    form = next((one for one in page.forms if values.keys() <= set(one.names)), None)
    if form is None:
        return _refuse(login, _lack(page, values))
    pairs = dict(form.fields)
    if login.token and login.token not in pairs:
        token = dict(page.metas).get(login.token)
        if token is None:
            return _refuse(login, f'its page has no field and no meta element {login.token!r}')
        pairs[login.token] = token
    if form.method.lower() != 'post':
        return _refuse(login, 'its form would be sent in a URL, where a password is not secret')
    target = join_url(parse_url(page.url).unwrap(), form.action)
    if not is_successful(target) or target.unwrap().origin != login.location.origin:
        return _refuse(login, 'its form is for another origin, which does not get it')
    return Success(Filled(url=str(target.unwrap()), pairs=tuple({**pairs, **values}.items())))


def find_failure(page: Page, login: Login) -> LoginFailed | None:
    """Why a login has not worked, from the page that follows it.

    >>> again = Page(url='https://h.org/login?next=x', forms=(Form(has_password=True),))
    >>> find_failure(again, Login('https://h.org/login')).problem
    'the server shows the login page again'
    """
    if login.check:
        if login.check in page.text:
            return None
        problem = f'the page after it does not contain {login.check!r}'
        return LoginFailed(url=login.url, problem=problem)
    if login.is_page(page.url) and any(form.has_password for form in page.forms):
        return LoginFailed(url=login.url, problem='the server shows the login page again')
    return None


def ends_session(fault: Fault) -> bool:
    """Whether a fault of a download looks as if its session has ended.

    >>> from dlmachine.core.faults import HttpStatus
    >>> [ends_session(HttpStatus(url='', status=status)) for status in (401, 403, 404)]
    [True, True, False]
    """
    match fault:
        case HttpStatus(status=status):
            return status in _REFUSED
        case LoginFailed() | ContentRefused() | DigestMismatch() | BodyTooLarge():
            return True  # What came in place of the file may be the login page.
        case _:
            return False


_REFUSED: Final = frozenset({401, 403})


def _form(attributes: 'Attributes', inside: 'list[Tag]') -> Form:
    fields: list[tuple[str, str]] = []
    unsent: list[str] = []
    has_password = False
    for index, tag in enumerate(inside):
        name = tag.attributes.get('name')
        if not name or tag.is_end or tag.name == 'option':
            continue
        has_password |= _kind(tag) == 'password'
        if _is_sent(tag):
            fields.append((name, _value(inside, index)))
        else:
            unsent.append(name)
    return Form(
        action=attributes.get('action', ''),
        method=attributes.get('method') or 'get',
        fields=tuple(fields),
        unsent=tuple(unsent),
        has_password=has_password,
    )


def _is_sent(tag: 'Tag') -> bool:
    # As a browser sends it: no button, and no box that is not ticked.
    kind = _kind(tag)
    if 'disabled' in tag.attributes or kind in _UNSENT:
        return False
    return kind not in _TICKED or 'checked' in tag.attributes


def _kind(tag: 'Tag') -> str:
    return (tag.attributes.get('type') or 'text').lower() if tag.name == 'input' else tag.name


def _value(inside: 'list[Tag]', index: int) -> str:
    tag = inside[index]
    if tag.name == 'textarea':
        return tag.text.removeprefix('\n')
    if tag.name == 'select':
        return _chosen(inside, index + 1)
    return tag.attributes.get('value', 'on' if _kind(tag) in _TICKED else '')


def _chosen(inside: 'list[Tag]', start: int) -> str:
    first: str | None = None
    for index in range(start, len(inside)):
        tag = inside[index]
        if tag.name != 'option':
            break  # The end of the list, or the next field.
        if tag.is_end:
            continue
        value = tag.attributes.get('value', tag.text.strip())
        if 'selected' in tag.attributes:
            return value
        first = value if first is None else first
    return first or ''


def _lack(page: Page, values: Mapping[str, str]) -> str:
    if not page.forms:
        return 'its page has no form; it may need JavaScript'
    nearest = max(page.forms, key=lambda form: (form.has_password, len(form.fields)))
    lacking = ', '.join(repr(name) for name in values if name not in nearest.names)
    names = [printable(shortened(name)) for name in nearest.names]
    more = ['...'] if len(names) > _SHOWN_NAMES else []
    shown = ', '.join([*names[:_SHOWN_NAMES], *more])
    return f'its form has no field {lacking}; it has {shown or "none"}'


def _origin_of(url: str) -> str:
    parsed = parse_url(url).unwrap()
    return f'{parsed.scheme}://{parsed.authority}'


def _refuse(login: Login, problem: str) -> Result[Filled, Fault]:
    return Failure(LoginFailed(url=login.url, problem=problem))
