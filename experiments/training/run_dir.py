"""The folder of a run: its configuration and its results.

`config.json` holds the resolved configuration, the seed, the commit and the versions.
A run is resumed only with the configuration that it was started with.
"""

import dataclasses
import importlib.metadata
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import keras

from dual_prior.system.atomic_file import atomic_file

_MAX_NAMED = 5


def open_run_dir(path: str | os.PathLike, config) -> Path:
    """Creates the folder of a run, or opens it to resume.

    Args:
        path: The folder.
        config: A dataclass: all that decides the result of the run.

    Raises:
        ValueError: The folder holds a run of another configuration.
        OSError: The folder cannot be created or written.
    """
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    # Through JSON, so that it compares equal to what was written: tuples become lists.
    wanted = json.loads(json.dumps(dataclasses.asdict(config)))
    file = path / "config.json"
    stored = stored_config(path)
    if stored is not None:
        _check_same(stored, wanted, path)
    else:
        write_configuration(file, wanted)
    return path


def stored_config(path: str | os.PathLike) -> dict | None:
    """The configuration of the run in a folder; None if none has started."""
    file = Path(path) / "config.json"
    if not (file.exists() and _has_begun(file.parent)):
        return None
    return json.loads(file.read_text())["config"]


def _has_begun(folder: Path) -> bool:
    """Whether there is anything to resume: a mistyped flag leaves nothing."""
    return any(file.suffix in (".npz", ".h5") for file in folder.rglob("*"))


def write_configuration(file: Path, config: dict) -> None:
    """Writes `config`, the commit and the versions as JSON."""
    record = {"config": config, "commit": _commit(), "versions": _versions()}
    with atomic_file(file) as stream:
        stream.write((json.dumps(record, indent=2) + "\n").encode())


def save_atomically(save: Callable[[Path], object], path: Path) -> None:
    """Makes Keras write a file, complete or not at all.

    Args:
        save: `model.save` or `model.save_weights`.
        path: The file; Keras chooses the format by its suffix.
    """
    with tempfile.TemporaryDirectory(
        dir=path.parent, prefix=f".{path.name}."
    ) as folder:
        temporary = Path(folder) / path.name
        save(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)


def _check_same(stored: dict, wanted: dict, path: Path) -> None:
    differing = list(_differences(stored, wanted))
    if differing:
        named = "; ".join(differing[:_MAX_NAMED])
        more = len(differing) - _MAX_NAMED
        raise ValueError(
            f"{path} holds a run of another configuration ({named}"
            f"{f'; and {more} more' if more > 0 else ''}). "
            "Repeat its flags to resume it, or choose another --run_dir."
        )


def _differences(stored, wanted, names: tuple[str, ...] = ()) -> Iterator[str]:
    """The differences, by path: recipe.phases.0.steps."""
    if isinstance(stored, list) and isinstance(wanted, list):
        # Phases that only one of them has are shown whole.
        stored, wanted = (
            {str(i): item for i, item in enumerate(items)} for items in (stored, wanted)
        )
    if isinstance(stored, dict) and isinstance(wanted, dict):
        for name in sorted(stored.keys() | wanted.keys()):
            parts = stored.get(name), wanted.get(name)
            yield from _differences(*parts, (*names, name))
    elif stored != wanted:
        yield f"{'.'.join(names)}: {stored} stored, {wanted} given"


def _commit() -> str:
    try:
        answer = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent,
        )
    except OSError:  # no git
        return "unknown"
    return answer.stdout.strip() or "unknown"


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version(), "backend": keras.backend.backend()}
    for package in ("dual-prior", "keras", "tensorflow", "jax", "numpy"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return versions
