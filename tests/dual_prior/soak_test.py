"""Faults at scale: a little of each in every run, all of it in `make soak`."""

import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from dual_prior.pictures.errors import PictureError
from dual_prior.pictures.formats import SUFFIXES
from dual_prior.pictures.reader import Limits, read_picture
from dual_prior.restoration.options import Options
from dual_prior.restoration.restorer import Restorer
from tests.conftest import ROOT, made_picture

# The command with a network that takes no time to load.
COMMAND = """
from dual_prior import cli
from tests.dual_prior.fakes import Darkening
cli.run(load=lambda options: Darkening(pause={pause}))
"""


def _start(*arguments, pause=0.0, code=None):
    code = COMMAND.format(pause=pause) if code is None else code
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def _folder(path, count):
    """`count` different small JPEGs."""
    path.mkdir()
    for index in range(count):
        plane = np.roll(made_picture(32, 40 + index % 9, index % 7), index)
        Image.fromarray(plane).save(path / f"{index:05}.jpg", quality=60)
    return path


def _peak():
    """Peak memory of this process, KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _hashes(folder):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
    }


def _mutants(data, count):
    """`count` copies of `data`, each with four bits turned over."""
    rng = np.random.default_rng(1)
    for _ in range(count):
        broken = bytearray(data)
        for place in rng.integers(0, len(data), 4):
            broken[place] ^= 1 << rng.integers(8)
        yield bytes(broken)


@pytest.mark.parametrize("kind", ["baseline", "progressive", "png"])
def test_mutants_end_in_a_picture_or_in_one_line(kind, soak, tmp_path):
    path = tmp_path / "picture"
    image = Image.fromarray(np.stack([made_picture(seed=s) for s in range(3)], -1))
    settings = {"quality": 50, "progressive": kind == "progressive"}
    image.save(path, *(["PNG"] if kind == "png" else ["JPEG"]), **settings)
    count = 5000 if soak else 100
    pictures = slowest = 0
    peak = _peak()
    for mutant in _mutants(path.read_bytes(), count):
        started = time.monotonic()
        try:
            pictures += read_picture(mutant, Limits(max_megapixels=4)).pixels.ndim > 1
        except PictureError as error:
            assert "\n" not in str(error)
        slowest = max(slowest, time.monotonic() - started)
    assert pictures > 0 or kind == "png"  # whose checksums find every change
    assert slowest < 2 or not soak
    assert _peak() - peak < 10**6  # KiB
    print(f"{kind}: {count} mutants, {pictures} read, slowest {slowest:.2f} s")


def test_every_truncation_is_reported(soak, tmp_path):
    planes = [made_picture(120, 160, seed) for seed in range(3)]
    image = Image.fromarray(np.stack(planes, axis=-1))
    image.save(tmp_path / "photo.jpg", quality=80)
    data = (tmp_path / "photo.jpg").read_bytes()
    anywhere = random.Random(0).sample(range(2000, len(data) - 2), 200 if soak else 10)
    lengths = [*range(2, 2000, 1 if soak else 37), *anywhere]
    for length in lengths:
        with pytest.raises(PictureError, match="truncated"):
            read_picture(data[:length])
    print(f"{len(lengths)} cuts, each reported")


def test_killed_at_any_moment_it_leaves_no_half_written_file(soak, tmp_path):
    source = _folder(tmp_path / "in", 200 if soak else 20)
    reference = tmp_path / "reference"
    process = _start("restore", source, "--output", reference)
    assert process.communicate() and process.returncode == 0
    wanted = _hashes(reference)
    chance = random.Random(0)
    kills = 50 if soak else 4
    cut_off = 0
    for kill in range(kills):
        output = tmp_path / f"out{kill}"
        process = _start("restore", source, "--output", output, pause=0.002)
        enough = chance.randrange(len(wanted))
        while process.poll() is None and len(list(output.glob("*.png"))) < enough:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.01))  # anywhere in the work on a picture
        process.send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM]))
        process.communicate()
        there = _hashes(output) if output.exists() else {}
        complete = {n: d for n, d in there.items() if not n.startswith(".dual-prior-")}
        assert complete.items() <= wanted.items(), kill
        cut_off += 0 < len(complete) < len(wanted)
        process = _start("restore", source, "--output", output)
        assert process.communicate() and process.returncode == 0
        assert _hashes(output) == wanted  # and no temporary file is left
    assert cut_off > kills / 2
    print(
        f"{kills} kills, {cut_off} of them between the first and the last of its files"
    )


def test_two_processes_may_fill_one_folder(soak, tmp_path):
    source = _folder(tmp_path / "in", 100 if soak else 15)
    _start("restore", source, "--output", tmp_path / "alone").communicate()
    both = [
        _start("restore", source, "--output", tmp_path / "out", "--overwrite")
        for _ in range(2)
    ]
    for process in both:
        _, err = process.communicate()
        assert (process.returncode, err) == (0, "")
    assert _hashes(tmp_path / "out") == _hashes(tmp_path / "alone")


def test_many_files_some_of_them_bad(soak, tmp_path):
    count = 10_000 if soak else 60
    source = _folder(tmp_path / "in", count)
    # At full size with the network that people have, to which no two sizes in turn are
    # alike.
    code = "from dual_prior import cli; cli.run()" if soak else None
    bad = range(0, count, 100 if soak else 20)
    for index in bad:
        (source / f"{index:05}.jpg").write_bytes(b"\xff\xd8 broken")
    process = _start("restore", source, "--output", tmp_path / "out", code=code)
    pages = []  # of memory, looked at twenty times while it works
    for number, _ in enumerate(process.stdout):
        if number % (count // 20) == 0:
            with open(f"/proc/{process.pid}/statm") as statm:
                pages.append(int(statm.read().split()[1]))
    _, err = process.communicate()
    assert process.returncode == 1
    assert len(err.splitlines()) == 2 * len(bad) + 1  # they are listed again
    assert len(os.listdir(tmp_path / "out")) == count - len(bad)
    growth = max(pages[2:]) / pages[2] - 1
    assert growth < 0.05
    print(f"{count} files, {len(bad)} bad, memory grew by {growth:.1%}")


@pytest.mark.parametrize("format", ["png", "webp", "tiff", "jpeg", "avif"])
def test_a_full_disk_keeps_earlier_results(format, tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (600, 600, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    Image.fromarray(noise[:32, :32]).save(tmp_path / "small.png")  # for which it does
    target = tmp_path / "out" / f"noise.restored{SUFFIXES[format]}"
    target.parent.mkdir()
    target.write_bytes(b"an earlier result")
    script = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
    ) + COMMAND.format(pause=0)
    done = subprocess.run(
        [
            *(sys.executable, "-c", script, "restore"),
            *(tmp_path / "noise.png", tmp_path / "small.png"),
            *("--output", target.parent, "--overwrite", "--format", format),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 1
    assert "cannot be written (file too large)" in done.stderr
    assert done.stderr.count("\n") == 1
    assert target.read_bytes() == b"an earlier result"
    assert "1 restored, 1 failed" in done.stdout
    small = target.with_name(f"small.restored{SUFFIXES[format]}")
    assert sorted(target.parent.iterdir()) == [target, small]
    assert Image.open(small).size == (32, 32)


def test_every_small_size(soak, tmp_path):
    restorer = Restorer(Options())
    sides = range(1, 34) if soak else (1, 2, 7, 8, 17)
    worst = 0
    for height in sides:
        for width in sides:
            plane = np.full((height, width), 90)
            image = Image.fromarray(np.stack([plane] * 3, axis=-1).astype(np.uint8))
            image.save(tmp_path / "a.jpg", quality=50)
            picture = read_picture(tmp_path / "a.jpg", strict=True)
            restored = restorer.restore(picture.pixels)
            assert restored.shape == (height, width, 3)
            # Flat still: what was padded has left no border that could be seen.
            off = np.abs(restored.astype(int) - 90).max()
            assert off <= 4, (height, width)
            worst = max(worst, off)
    print(f"{len(sides) ** 2} sizes, at most {worst} grey levels off")


# Prints by how many KiB, and seconds, a picture that is refused costs more than none.
COST = """
import resource, sys, time
from dual_prior.pictures.reader import read_picture
from dual_prior.pictures.errors import PictureError

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

try:
    read_picture(sys.argv[1])
except PictureError:
    pass
before, started = peak(), time.monotonic()
try:
    read_picture(sys.argv[2])
except PictureError as error:
    assert "larger than 100 megapixels" in str(error), error
    print(peak() - before, time.monotonic() - started)
"""


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
def test_a_picture_too_large_is_refused_before_it_takes_memory(format, tmp_path):
    Image.new("L", (64, 64)).save(tmp_path / "small", format)
    data = bytearray((tmp_path / "small").read_bytes())
    if format == "WEBP":  # 10,501 pixels a side, as lossless files store it
        Image.new("RGB", (64, 64)).save(tmp_path / "small", format, lossless=True)
        data = bytearray((tmp_path / "small").read_bytes())
        data[21:25] = (10_500 | 10_500 << 14).to_bytes(4, "little")
    elif format == "PNG":
        data[16:24] = 2 * (20_000).to_bytes(4, "big")
        data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    elif format == "JPEG":
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = 2 * (20_000).to_bytes(2, "big")
    elif format == "BMP":
        data[18:26] = 2 * (20_000).to_bytes(4, "little")
    else:
        Image.new("1", (20_000, 20_000)).save(
            tmp_path / "bomb", format, compression="group4"
        )
        data = (tmp_path / "bomb").read_bytes()
    (tmp_path / "huge").write_bytes(data)
    printed = subprocess.run(
        [sys.executable, "-c", COST, tmp_path / "small", tmp_path / "huge"],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout
    kibibytes, seconds = map(float, printed.split())
    assert kibibytes < 300_000_000 / 1024 and seconds < 2


# The command; prints what memory it took at most, KiB.
PEAK = """
import re, sys
from dual_prior import cli
code = cli.main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
sys.exit(code)
"""


def test_a_large_picture_stays_within_its_memory(soak, tmp_path):
    if not soak:
        pytest.skip("takes minutes: in make soak")
    side, gib = 5500, 1.8
    rgb = np.stack([made_picture(side, side, seed) for seed in range(3)], axis=-1)
    Image.fromarray(rgb).save(tmp_path / "a.jpg", quality=70)
    process = _start(
        *("restore", tmp_path / "a.jpg", "--output", tmp_path / "a.png", "--quiet"),
        *("--depth", "16", "--compare", tmp_path / "drawn.png"),
        *("--preset", "compact", "--max-memory", gib),
        code=PEAK,
    )
    printed, _ = process.communicate()
    assert process.returncode == 0 and (tmp_path / "drawn.png").exists()
    peak = int(printed) / 2**20
    assert peak < gib
    print(f"{side}x{side}, 16 bits, compared: {peak:.2f} GiB of {gib}")


def test_one_input_gives_one_result_every_time(soak, tmp_path):
    if not soak:
        pytest.skip("loads the network in three processes: in make soak")
    rgb = np.stack([made_picture(150, 190, seed) for seed in range(3)], axis=-1)
    Image.fromarray(rgb).save(tmp_path / "a.jpg", quality=30)
    results = set()
    for number in range(3):
        target = tmp_path / f"{number}.png"
        command = [sys.executable, "-m", "dual_prior", "restore"]
        subprocess.run(
            [*command, tmp_path / "a.jpg", "--output", target, "--quiet"],
            check=True,
            cwd=ROOT,
        )
        results.add(target.read_bytes())
    assert len(results) == 1
