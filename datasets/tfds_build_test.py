"""Tests that the builders are found the way the command `tfds build` finds them."""

import subprocess
import sys
from pathlib import Path

DATASETS = Path(__file__).parent

# What `tfds build datasets/<name>` does: the folder `datasets` is on the path while the
# builder is imported, the root of the repository is not.
SCRIPT = """
import sys
import tensorflow_datasets as tfds
for name in sys.argv[2:]:
    with tfds.core.utils.add_sys_path(sys.argv[1]):
        builder = tfds.core.community.builder_cls_from_module(
            f"{name}.{name}_dataset_builder"
        )
    print(builder.name, builder.code_path.parent.name, len(builder.get_metadata().tags))
"""


def test_builders_import_outside_the_repository(tmp_path):
    names = sorted(path.parent.name for path in DATASETS.glob("*/README.md"))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(DATASETS), *names],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{name} {name} 3" for name in names]
