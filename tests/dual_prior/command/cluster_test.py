"""The command on a Ray cluster of three nodes, all of this machine."""

import _thread
import json
import os
import sys
import threading
import time

import pytest
from PIL import Image

from dual_prior.cli import main
from dual_prior.command.loading import NoNetworkError
from tests.conftest import ROOT, made_picture
from tests.dual_prior.fakes import Darkening

cluster_utils = pytest.importorskip("ray.cluster_utils")

_BROKEN = b"\xff\xd8\xffno picture"
_FATAL = 24  # the height of a picture that takes a worker along


class Worker(Darkening):
    """Takes a moment for each picture, and dies of one."""

    def __init__(self, options=None):
        super().__init__(pause=0.1)

    def restore(self, image, on_tile=None, num_channels=None, tables=None):
        if image.shape[0] == _FATAL:
            os._exit(1)
        result = super().restore(image, on_tile, num_channels)
        if on_tile:
            on_tile(1, 1)
        return result


@pytest.fixture(scope="module")
def cluster():
    settings = {"num_cpus": 1, "memory": 4 * 2**30, "object_store_memory": 80 * 2**20}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))  # where its workers find `Worker`
        cluster = cluster_utils.Cluster(
            initialize_head=True,
            head_node_args={**settings, "include_dashboard": False},
        )
        for _ in range(2):
            cluster.add_node(**settings)
        yield cluster
        cluster.shutdown()


@pytest.fixture
def pictures(tmp_path, soak):
    """A folder of small pictures, one of a hundred broken, and at least one."""
    folder = tmp_path / "in"
    folder.mkdir()
    count = 300 if soak else 12
    for index in range(count):
        image = Image.fromarray(made_picture(32, 40, index))
        image.save(folder / f"{index:03}.jpg", quality=60)
    for index in range(3, count, 100):
        (folder / f"{index:03}.jpg").write_bytes(_BROKEN)
    return folder


def restore(*words, cluster=None):
    where = [] if cluster is None else ["--cluster", cluster.address]
    return main(["restore", *map(str, words), *where], load=Worker)


def contents(folder):
    """The files of a folder, without what a killed worker left, hidden."""
    files = [path for path in folder.iterdir() if not path.name.startswith(".dual")]
    return {path.name: path.read_bytes() for path in files}


def when_there_are(count, folder, do):
    """Does something, in a thread, once a folder has so many results."""

    def wait():
        while not folder.is_dir() or len(list(folder.glob("*.png"))) < count:
            time.sleep(0.01)
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_node_lost_in_the_middle_costs_no_picture(
    cluster, pictures, tmp_path, capsys, soak
):
    alone, spread = tmp_path / "alone", tmp_path / "spread"
    code = restore(pictures, "--output", alone)
    capsys.readouterr()
    losses = 2 if soak else 1
    killers = [
        when_there_are(
            (2 + loss) * len(list(pictures.iterdir())) // 5,
            spread,
            lambda: cluster.remove_node(
                list(cluster.worker_nodes)[-1], allow_graceful=False
            ),
        )
        for loss in range(losses)
    ]
    assert restore(pictures, "--output", spread, "--json", cluster=cluster) == code == 1
    for killer in killers:
        killer.join()
    assert contents(spread) == contents(alone)
    out, err = capsys.readouterr()
    *records, summary = map(json.loads, out.splitlines())
    assert {record["input"] for record in records} == set(map(str, pictures.iterdir()))
    failed = [record["input"] for record in records if record["status"] == "failed"]
    broken = [str(p) for p in pictures.iterdir() if p.read_bytes() == _BROKEN]
    assert sorted(failed) == sorted(broken)
    assert summary["summary"]["failed"] == len(broken)
    assert all(line.startswith("dual-prior: ") for line in err.splitlines())
    restore(pictures, "--output", spread, "--json", cluster=cluster)
    assert capsys.readouterr().out.count('"skipped"') == len(contents(alone)) + 1
    assert set(os.listdir(spread)) == set(contents(alone))  # left-overs are gone


def test_it_goes_on_where_ctrl_c_stopped_it(cluster, pictures, tmp_path, capsys):
    output = tmp_path / "out"
    interruption = when_there_are(2, output, _thread.interrupt_main)
    assert restore(pictures, "--output", output, cluster=cluster) == 130
    interruption.join()
    done = contents(output)
    assert 2 <= len(done) < len(list(pictures.iterdir())) - 1
    assert set(os.listdir(output)) == set(done)  # nothing unfinished
    capsys.readouterr()
    restore(pictures, "--output", output, "--json", cluster=cluster)
    lines = capsys.readouterr().out.splitlines()
    statuses = [json.loads(line).get("status") for line in lines]
    assert statuses.count("skipped") == len(done)
    restore(pictures, "--output", tmp_path / "alone")
    assert contents(output) == contents(tmp_path / "alone")


def test_a_picture_that_takes_its_workers_along_fails_alone(
    cluster, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for name, height in (("fatal", _FATAL), ("good", 32)):
        Image.fromarray(made_picture(height, 40)).save(f"{name}.jpg")
    code = restore("fatal.jpg", "good.jpg", "--output", "out", cluster=cluster)
    assert code == 1
    assert list(contents(tmp_path / "out")) == ["good.restored.png"]
    out, err = capsys.readouterr()
    assert "good.jpg (40x32, grey JPEG of quality about 75) -> out/good" in out
    assert "fatal.jpg: its worker was lost 3 times" in err


def no_network(options):
    raise NoNetworkError("the weights cannot be read")


def test_what_keeps_workers_from_the_network_is_told_in_one_line(
    cluster, pictures, tmp_path, capsys
):
    words = ["restore", str(pictures), "-o", str(tmp_path / "out")]
    code = main([*words, "--cluster", cluster.address], load=no_network)
    err = capsys.readouterr().err
    assert code == 1 and "the weights cannot be read" in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--cluster", "127.0.0.1:1"], "no Ray cluster answers"),
        (["--cluster", "127.0.0.1:port"], "no Ray cluster answers"),
        (["--cluster", "auto", "--output", "-"], "standard input and output"),
    ],
)
def test_wrong_usage_is_answered_in_one_line(words, message, tmp_path, capsys):
    photo = tmp_path / "photo.jpg"
    Image.fromarray(made_picture(32, 40)).save(photo)
    assert restore(photo, *words) == 2
    assert message in capsys.readouterr().err


def test_without_ray_it_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    photo = tmp_path / "photo.jpg"
    Image.fromarray(made_picture(32, 40)).save(photo)
    assert restore(photo, "--cluster", "auto") == 2
    assert 'pip install "dual-prior[cluster]"' in capsys.readouterr().err
