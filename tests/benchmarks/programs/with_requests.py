"""Plain requests: a loop, a Session, and the digest on request."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

PIECE_BYTES = 1 << 20


def one(job: dict[str, Any]) -> None:
    """One file."""
    import requests

    digest = hashlib.sha256()
    with (
        requests.get(job['url'], stream=True, timeout=60) as response,
        open(job['path'], 'wb') as file,
    ):
        response.raise_for_status()
        for piece in response.iter_content(PIECE_BYTES):
            file.write(piece)
            digest.update(piece)
    if digest.hexdigest() != job['sha256']:
        sys.exit('the digest is another')


def many(job: dict[str, Any]) -> None:
    """Many files, one after another over one connection."""
    import requests

    with requests.Session() as session:
        session.verify = job.get('cainfo') or True
        for number, url in enumerate(Path(job['urls']).read_text().split()):
            with session.get(url, stream=True, timeout=60) as response:
                response.raise_for_status()
                with open(f'{job["folder"]}/{number}.bin', 'wb') as file:
                    file.writelines(response.iter_content(PIECE_BYTES))


if __name__ == '__main__':
    asked = json.loads(sys.argv[1])
    {'one': one, 'many': many}[asked['work']](asked)
