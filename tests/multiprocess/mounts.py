"""Mounts for tests: a small disk, and a folder that can only be read."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path, size: int) -> Iterator[Path]:
    """A file system of this size; without the right to mount, the test is skipped."""
    place.mkdir()
    _mount(['mount', '-t', 'tmpfs', '-o', f'size={size},mode=755', 'tmpfs', str(place)])
    try:
        yield place
    finally:
        subprocess.run(['umount', '--lazy', str(place)], check=True)


@contextmanager
def read_only(folder: Path, place: Path) -> Iterator[Path]:
    """The folder mounted read-only, even for root."""
    place.mkdir()
    _mount(['mount', '--bind', str(folder), str(place)])
    try:
        _mount(['mount', '-o', 'remount,ro,bind', str(place)])
        yield place
    finally:
        subprocess.run(['umount', '--lazy', str(place)], check=True)


def _mount(words: list[str]) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=10)
    except FileNotFoundError:
        pytest.skip('there is no program to mount with')
    if done.returncode:
        pytest.skip(f'nothing can be mounted here: {done.stderr.strip()}')
