"""A cache of measured scores, so that a long run resumes."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from dual_prior.system.atomic_file import atomic_file
from experiments.measuring.scores import Score


def remembered(folder: Path, measure: Callable[[], list[Score]], **key) -> list[Score]:
    """The result of `measure`, from the cache if the same key was measured before.

    Args:
        folder: Of the cache.
        measure: The slow function.
        **key: All that its result depends on, JSON. Paths stand for their content.
    """
    key = {
        name: hashlib.sha256(value.read_bytes()).hexdigest()
        if isinstance(value, Path)
        else value
        for name, value in key.items()
    }
    text = json.dumps(key, sort_keys=True)
    file = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.json"
    if file.exists():
        return [Score(**row) for row in json.loads(file.read_text())["scores"]]
    scores = measure()
    folder.mkdir(parents=True, exist_ok=True)
    content = {"key": key, "scores": [dataclasses.asdict(score) for score in scores]}
    with atomic_file(file) as stream:
        stream.write(json.dumps(content, indent=2).encode())
    return scores
