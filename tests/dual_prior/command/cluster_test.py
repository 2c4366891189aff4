"""The command on a Ray cluster of three nodes, all of this machine."""

import _thread
import json
import logging
import os
import signal
import socket
import sys
import threading
import time

import pytest
from PIL import Image

from dual_prior.cli import main
from dual_prior.command.loading import NoNetworkError
from dual_prior.system import signals
from tests.conftest import ROOT, made_picture
from tests.dual_prior.fakes import Darkening

cluster_utils = pytest.importorskip("ray.cluster_utils")

# moto, a store in this process; three nodes of this machine ask it.
_STORE = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_NODE = {"num_cpus": 1, "memory": 4 * 2**30, "object_store_memory": 80 * 2**20}
_BROKEN = b"\xff\xd8\xffno picture"
_FATAL = 24  # the height of a picture that takes a worker along


class Worker(Darkening):
    """Takes a moment for each picture, and dies of one."""

    def __init__(self, options=None, pause=0.1):
        super().__init__(pause=pause)

    def restore(self, image, on_tile=None, *_):
        if image.shape[0] == _FATAL:
            os._exit(1)
        result = super().restore(image, on_tile)
        if on_tile:
            on_tile(1, 1)
        return result


def slow(options):
    """So slow that a signal comes while Ray waits: it looks for one once a second."""
    return Worker(pause=2.5)


@pytest.fixture(scope="module")
def cluster():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))  # where its workers find `Worker`
        for name, value in _STORE.items():
            patch.setenv(name, value)
        with socket.create_server(("127.0.0.1", 0)) as free:
            host, port = free.getsockname()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        cluster = cluster_utils.Cluster(
            initialize_head=True,
            head_node_args={**_NODE, "include_dashboard": False},
        )
        yield cluster
        cluster.shutdown()


@pytest.fixture
def three_nodes(cluster):
    while len(cluster.worker_nodes) < 2:
        cluster.add_node(**_NODE)
    return cluster


@pytest.fixture
def bucket(cluster, soak):
    """The name of an empty bucket, and what fsspec reaches it by."""
    if not soak:
        pytest.skip("takes a store: in make soak")
    s3fs, server = pytest.importorskip("s3fs"), pytest.importorskip("moto.server")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    port = int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2])
    process = server.ThreadedMotoServer("127.0.0.1", port, verbose=False)
    process.start()
    store = s3fs.S3FileSystem(use_listings_cache=False)
    store.mkdir("bucket")
    yield "bucket", store
    process.stop()


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


def restore(*words, cluster=None, load=Worker):
    where = [] if cluster is None else ["--cluster", cluster.address]
    return main(["restore", *map(str, words), *where], load=load)


def contents(folder):
    """The files of a folder, without what a killed worker left, hidden."""
    files = [path for path in folder.iterdir() if not path.name.startswith(".dual")]
    return {path.name: path.read_bytes() for path in files}


def lose(cluster):
    """Ends a node of the cluster, as a failure would."""
    cluster.remove_node(list(cluster.worker_nodes)[-1], allow_graceful=False)


def when_there_are(count, results, do):
    """Does something, in a thread, once there are so many results."""

    def wait():
        while len(list(results())) < count:
            time.sleep(0.01)
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_lost_node_loses_no_picture(three_nodes, pictures, tmp_path, capsys, soak):
    cluster = three_nodes
    alone, spread = tmp_path / "alone", tmp_path / "spread"
    code = restore(pictures, "--output", alone)
    capsys.readouterr()
    losses = 2 if soak else 1
    killers = [
        when_there_are(
            (2 + loss) * len(list(pictures.iterdir())) // 5,
            lambda: spread.glob("*.png"),
            lambda: lose(cluster),
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


@pytest.fixture
def handlers():
    """The command's own for signals, as long as the test runs."""
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    signals.install()
    yield
    signals.install()  # forgets the request
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_it_resumes_after_a_signal(
    cluster, handlers, pictures, tmp_path, capsys, number, code
):
    output = tmp_path / "out"
    interruption = when_there_are(
        2, lambda: output.glob("*.png"), lambda: _thread.interrupt_main(number)
    )
    assert restore(pictures, "--output", output, cluster=cluster, load=slow) == code
    signals.install()
    interruption.join()
    done = contents(output)
    assert 2 <= len(done) < len(list(pictures.iterdir())) - 1
    # A worker may have been killed while it wrote, under a temporary name.
    unfinished = set(os.listdir(output)) - set(done)
    assert all(name.startswith(".dual-prior-") for name in unfinished)
    capsys.readouterr()
    restore(pictures, "--output", output, "--json", cluster=cluster)
    lines = capsys.readouterr().out.splitlines()
    statuses = [json.loads(line).get("status") for line in lines]
    assert statuses.count("skipped") == len(done)
    restore(pictures, "--output", tmp_path / "alone")
    assert contents(output) == contents(tmp_path / "alone")
    assert set(os.listdir(output)) == set(contents(output))  # left-overs are gone


def test_a_lost_worker_loses_no_picture_of_a_store(
    bucket, three_nodes, pictures, tmp_path, capsys
):
    name, store = bucket
    store.put(f"{pictures}/", f"{name}/in/", recursive=True)
    words = f"s3://{name}/in", "--output", f"s3://{name}/out", "--json"
    files = sorted(pictures.iterdir())
    killer = when_there_are(
        len(files) // 3, lambda: store.find(f"{name}/out"), lambda: lose(three_nodes)
    )
    assert restore(*words, cluster=three_nodes) == 1
    killer.join()
    *records, summary = map(json.loads, capsys.readouterr().out.splitlines())
    assert {r["input"] for r in records} == {f"{words[0]}/{f.name}" for f in files}
    assert summary["summary"]["failed"] == sum(f.read_bytes() == _BROKEN for f in files)
    restore(pictures, "--output", tmp_path / "alone")
    store.get(f"{name}/out/", f"{tmp_path}/spread/", recursive=True)
    assert contents(tmp_path / "spread") == contents(tmp_path / "alone")
    capsys.readouterr()
    restore(*words, cluster=three_nodes)
    skipped = capsys.readouterr().out.count('"status": "skipped"')
    assert skipped == len(contents(tmp_path / "alone"))


def test_a_picture_that_kills_its_workers_fails_and_no_other(
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


def test_workers_without_a_network_are_an_error_of_one_line(
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


def test_without_ray_the_error_names_the_package(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    photo = tmp_path / "photo.jpg"
    Image.fromarray(made_picture(32, 40)).save(photo)
    assert restore(photo, "--cluster", "auto") == 2
    assert 'pip install "dual-prior[cluster]"' in capsys.readouterr().err
