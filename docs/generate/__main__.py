"""Write every generated block anew: `python -m docs.generate`."""

from docs.generate import PAGES, ROOT, write

for page in PAGES:
    if write(page):
        print(f'wrote {page.relative_to(ROOT)}')  # noqa: T201 -- what it is for
