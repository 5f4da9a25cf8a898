"""What is wrong with a page, as a headless browser sees it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

#: Programs that Playwright can drive; the environment variable names another.
PROGRAMS: Final = (
    'chromium-headless-shell',
    'chromium',
    'google-chrome-stable',
    'google-chrome',
    'chromium-browser',
)
VARIABLE: Final = 'TEST_BROWSER'

#: Shadow roots of diagrams are closed otherwise, and nobody could look into them.
_OPEN_SHADOWS: Final = """
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (options) {
    return attach.call(this, { ...options, mode: 'open' });
};
"""
#: A diagram is the element that the theme puts in place of the source, with a drawing in its shadow.
_COUNT_DIAGRAMS: Final = """() =>
    [...document.querySelectorAll('div.mermaid')].filter(each => {
        const drawing = each.shadowRoot?.querySelector('svg');
        return drawing?.getBoundingClientRect().height > 20
            && drawing.getAttribute('aria-roledescription') !== 'error';
    }).length
"""
#: Words in cells that take more than one line; a name in code is one word, whatever its characters.
_BROKEN_WORDS: Final = r"""() => {
    const broken = [];
    for (const cell of document.querySelectorAll('td, th')) {
        const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const text = texts.currentNode;
            const word = text.parentElement.closest('code') ? /\S+/g : /[\p{L}\p{N}_]+/gu;
            for (const found of text.data.matchAll(word)) {
                const range = document.createRange();
                range.setStart(text, found.index);
                range.setEnd(text, found.index + found[0].length);
                const lines = new Set([...range.getClientRects()].map(box => Math.round(box.top)));
                if (lines.size > 1) broken.push(found[0]);
            }
        }
    }
    return broken;
}"""
#: Tables that have to be scrolled sideways, by their first row.
_WIDE_TABLES: Final = """() =>
    [...document.querySelectorAll('table')].filter(each => {
        const around = each.closest('.md-typeset__scrollwrap') ?? each.parentElement;
        return around.scrollWidth > around.clientWidth + 1;
    }).map(each => each.rows[0].innerText.trim())
"""
#: Text that shows what should have become a block of code, or a diagram.
_RAW_TEXT: Final = r"""() => {
    const raw = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const text = texts.currentNode;
        const isCode = text.parentElement.closest('pre, code, script, style, template, noscript');
        if (!isCode && /^\s*(>>>|```)|>>> /.test(text.data)) raw.push(text.data.trim());
    }
    for (const quote of document.querySelectorAll('blockquote blockquote blockquote'))
        raw.push('>>> ' + quote.textContent.trim());
    // In code, not every reader of Markdown takes the backslash away.
    for (const code of document.querySelectorAll(':is(td, th) code'))
        if (code.textContent.includes('\\|')) raw.push(code.textContent);
    return raw;
}"""


def find_browser() -> str | None:
    """The program of a browser, if this computer has one."""
    named = os.environ.get(VARIABLE)
    return named or next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """A server for a folder, at an address of this computer."""
    handler = partial(_Silent, directory=str(folder))
    with ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f'http://127.0.0.1:{server.server_port}/'
        finally:
            server.shutdown()
            thread.join()


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def open_browser(program: str) -> Iterator[Any]:
    """A headless browser that resolves no name, as without a network."""
    from playwright.sync_api import sync_playwright

    rules = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'
    with sync_playwright() as playwright:
        # Its sandbox needs a user other than root; the pages are our own.
        args = ['--no-sandbox', rules]
        browser = playwright.chromium.launch(executable_path=program, args=args)
        yield browser
        browser.close()


class Viewer:
    """Looks at pages of one site, and tells what is wrong with them."""

    def __init__(self, browser: Any, base_url: str, *, patience_seconds: float = 30) -> None:
        """Pages share what the browser has loaded; diagrams are waited for."""
        self._patience_ms = patience_seconds * 1000
        self.base_url = base_url
        self._context = browser.new_context()
        self._context.add_init_script(_OPEN_SHADOWS)

    def problems(self, path: str, diagrams: int) -> list[str]:
        """What is wrong with a page that should have so many diagrams; nothing if all is well."""
        found: list[str] = []
        with self._context.new_page() as page:
            page.set_viewport_size({'width': 1280, 'height': 900})
            page.on('console', lambda said: found.extend(_complaint(said)))
            page.on('pageerror', lambda error: found.append(f'error: {error}'))
            page.on('request', lambda request: found.extend(self._leaving(request)))
            page.on('response', lambda got: found.extend(_missing(got)))
            page.goto(self.base_url + path, wait_until='load')
            found.extend(_missing_diagrams(page, diagrams, self._patience_ms))
            wide = page.evaluate(_WIDE_TABLES)
            found.extend(f'a table does not fit: {row}' for row in wide)
            for width in (1280, 400):
                page.set_viewport_size({'width': width, 'height': 900})
                words = page.evaluate(_BROKEN_WORDS)
                found.extend(f'broken in a cell, {width} px: {word}' for word in words)
            found.extend(f'not rendered: {text}' for text in page.evaluate(_RAW_TEXT))
        return list(dict.fromkeys(found))

    def _leaving(self, request: Any) -> list[str]:
        url = request.url
        is_ours = url.startswith((self.base_url, 'data:', 'blob:'))
        return [] if is_ours else [f'another host: {url}']


def _complaint(said: Any) -> list[str]:
    return [f'console: {said.text}'] if said.type == 'error' else []


def _missing(got: Any) -> list[str]:
    return [f'{got.status}: {got.url}'] if got.status >= 400 else []


def _missing_diagrams(page: Any, wanted: int, patience_ms: float) -> list[str]:
    from playwright.sync_api import TimeoutError as TooLate

    if wanted == 0:
        return []
    try:
        page.wait_for_function(f'({_COUNT_DIAGRAMS})() >= {wanted}', timeout=patience_ms)
    except TooLate:
        return [f'{page.evaluate(_COUNT_DIAGRAMS)} diagrams of {wanted} are rendered']
    return []
