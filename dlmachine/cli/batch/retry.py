"""What `dlmachine get` downloads: all its inputs, or those that an earlier run did not finish."""

import json
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from dlmachine.cli.batch.inputs import check_input, read_targets
from dlmachine.core.frozen import frozen

if TYPE_CHECKING:
    from dlmachine.manager import DownloadManager
    from dlmachine.targets import Target


@frozen
class Input:
    """One download: its position among all, and the line of the file that names its URL."""

    target: 'Target'
    index: int
    line: str = ''


def read_inputs(
    urls: tuple[str, ...], given: Mapping[str, Any], manager: 'DownloadManager'
) -> list[Input]:
    """The URLs and entries that a command line names, without those finished by an earlier run."""
    if given['retry_failed'] is not None and given['input_file'] is None:
        msg = '--retry-failed needs the manifest of its results: pass it with --input-file'
        raise click.UsageError(msg)
    path = given['input_file']
    check_input(path, urls)
    read = () if path is None else read_targets(path, manager, given)
    targets = [*((url, '') for url in urls), *read]
    inputs = [
        Input(target=target, index=index, line=line) for index, (target, line) in enumerate(targets)
    ]
    if not inputs:
        msg = '--input-file has no URL in it'
        raise click.UsageError(msg)
    if given['retry_failed'] is None:
        return inputs
    return _unfinished(inputs, given['retry_failed'], manager)


def _unfinished(inputs: list[Input], path: str, manager: 'DownloadManager') -> list[Input]:
    """The inputs that have no success among the results of an earlier run.

    An entry is found by its name; of several with one name, in their order.
    """
    from dlmachine.targets import show_target

    results: defaultdict[str, deque[bool]] = defaultdict(deque)
    for result in sorted(_read_results(path), key=_position):
        # A result of an old version has no `ok`, and its failures have no `origin`.
        is_ok = result.get('ok', 'origin' in result)
        results[str(result.get('name', result.get('url')))].append(bool(is_ok))
    names = [show_target(one.target, manager.secret_names)[0] for one in inputs]
    if not Counter(names).keys() & results.keys():
        msg = f'--retry-failed: {path} has no result for any of the {len(inputs)} downloads'
        raise click.UsageError(msg)
    unfinished = []
    for one, name in zip(inputs, names, strict=True):
        waiting = results.get(name)
        if not waiting or not waiting.popleft():
            unfinished.append(one)
    return unfinished


def _position(result: dict[str, Any]) -> int:
    index = result.get('index')
    return index if isinstance(index, int) else 0


def _read_results(path: str) -> list[dict[str, Any]]:
    from dlmachine.documents.reader import read_text_file
    from dlmachine.errors import unwrap

    text = unwrap(read_text_file(path))
    if not text.strip():
        msg = f'--retry-failed: {path} is empty; write the new results to another file'
        raise click.UsageError(msg)
    try:
        results = json.loads(text) if text.lstrip().startswith('[') else _parse_lines(text)
    except ValueError as error:
        msg = f'--retry-failed: {path} is not JSON: {error}'
        raise click.UsageError(msg) from error
    if not all(isinstance(one, dict) for one in results):
        msg = f'--retry-failed: {path} does not have the results of dlmachine get --json'
        raise click.UsageError(msg)
    return list(results)


def _parse_lines(text: str) -> list[Any]:
    # A process that was killed may have written the last line in part.
    *lines, last = text.split('\n')
    found = [json.loads(line) for line in lines if line.strip()]
    try:
        return [*found, json.loads(last)] if last.strip() else found
    except ValueError:
        return found
