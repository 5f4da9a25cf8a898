"""Write every generated block anew: `python -m docs.generate`."""

from docs.generate import PAGES, ROOT, fill

for page in PAGES:
    text = page.read_text(encoding='utf-8')
    fresh = fill(text)
    if fresh != text:
        page.write_text(fresh, encoding='utf-8')
        print(f'wrote {page.relative_to(ROOT)}')  # noqa: T201 -- what it is for
