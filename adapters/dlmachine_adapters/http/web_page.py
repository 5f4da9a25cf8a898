"""Read a web page: its forms and its `meta` elements, by `beautifulsoup4`.

The package is part of the extra `login`; its parser is that of the standard library.
"""

from typing import Any

from dlmachine.core.access.login_form import Form, Page
from dlmachine.core.faults import InvalidInput


def read_page(url: str, body: bytes, content_type: str) -> Page | InvalidInput:
    """Read a page.  Faults: `InvalidInput` without the package."""
    try:
        from bs4 import BeautifulSoup
    except ImportError:
        problem = 'is a login by a form, which needs the package beautifulsoup4'
        advice = 'Install it: pip install beautifulsoup4'
        return InvalidInput(where='auth', problem=problem, advice=advice)
    soup: Any = BeautifulSoup(body, 'html.parser', from_encoding=_charset_of(content_type))
    metas = (one for one in soup.find_all('meta') if one.get('name') and one.get('content'))
    return Page(
        url=url,
        text=body.decode(soup.original_encoding or 'utf-8', 'replace'),
        forms=tuple(map(_read_form, soup.find_all('form'))),
        metas=tuple((str(one['name']), str(one['content'])) for one in metas),
    )


def _charset_of(content_type: str) -> str | None:
    named = content_type.lower().partition('charset=')[2].partition(';')[0].strip(' "')
    return named or None


def _read_form(form: Any) -> Form:
    controls = form.find_all(['input', 'select', 'textarea', 'button'])
    named = [one for one in controls if one.get('name')]
    fields = tuple((str(one['name']), _value_of(one)) for one in named if _is_sent(one))
    return Form(
        action=str(form.get('action') or ''),
        method=str(form.get('method') or 'get'),
        fields=fields,
        unsent=tuple(str(one['name']) for one in named if not _is_sent(one)),
        has_password=any(_kind(one) == 'password' for one in named),
    )


def _is_sent(field: Any) -> bool:
    # As a browser sends it: no button, and no box that is not ticked.
    if field.has_attr('disabled') or _kind(field) in {'submit', 'button', 'image', 'reset', 'file'}:
        return False
    return _kind(field) not in {'checkbox', 'radio'} or field.has_attr('checked')


def _kind(field: Any) -> str:
    return str(field.get('type') or 'text').lower() if field.name == 'input' else str(field.name)


def _value_of(field: Any) -> str:
    if field.name == 'textarea':
        return str(field.text)
    if field.name == 'select':
        options = field.find_all('option')
        chosen = next((one for one in options if one.has_attr('selected')), None)
        chosen = chosen or next(iter(options), None)
        return '' if chosen is None else str(chosen.get('value', chosen.text))
    return str(field.get('value', 'on' if _kind(field) in {'checkbox', 'radio'} else ''))
