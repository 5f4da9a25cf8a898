"""The arguments of `extract`, checked."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import PurePath
from typing import Any

from dlmachine.core.archives.extracted_folder import name_folder
from dlmachine.core.archives.parse_extract import parse_extract
from dlmachine.core.faults import DestinationUnusable, InvalidInput
from dlmachine.core.faults.printing import shown_value
from dlmachine.core.protocol.outcome import Outcome, extraction_of
from dlmachine.core.spec.local_path import parse_local_path
from dlmachine.core.spec.reuse import Extract, ExtractArchive
from dlmachine.errors import error_for, unwrap
from dlmachine.paths import PathInput, absolute, path_text


def parse_extraction(
    source: PathInput | Outcome, options: Mapping[str, Any], patience: timedelta
) -> ExtractArchive:
    """The effect that extracts a file or an outcome.  Raises: RequestError."""
    folder = path_text(options['into'])
    if folder is not None and not (isinstance(folder, str) and folder):
        problem = f'must be a path, not {shown_value(folder)}'
        raise error_for(InvalidInput(where='folder', problem=problem))
    into = '' if folder is None else absolute(unwrap(parse_local_path(folder, 'folder')))
    if into and PurePath(into) == PurePath(into).parent:
        problem = 'it is not a folder of its own'
        raise error_for(DestinationUnusable(path=str(folder), problem=problem))
    wanted = Extract(**unwrap(parse_extract({**options, 'into': into})))
    if isinstance(source, Outcome):
        if source.path is None:
            problem = 'is in memory; extract needs a file'
            advice = 'Pass path= or pkg= to DownloadManager, or download it to a path'
            raise error_for(InvalidInput(where='source', problem=problem, advice=advice))
        return extraction_of(source, wanted, patience)
    text = path_text(source)
    if not isinstance(text, str):
        problem = f'must be a path or an Outcome, not {shown_value(source)}'
        raise error_for(InvalidInput(where='source', problem=problem))
    path = absolute(text)
    return ExtractArchive(
        archive=path,
        name=path,
        source=path,
        folder=wanted.into.rstrip('/') or name_folder(path, wanted.selection),
        wanted=wanted,
        patience=patience,
    )
