"""The page in a real browser: Debian's Chromium, as .ci/run installs it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from dual_prior.cli import main
from dual_prior.command.loading import load_restorer
from tests.conftest import ROOT, made_picture
from tests.dual_prior.fakes import Darkening

pytest.importorskip("gradio")
webdriver = pytest.importorskip("selenium.webdriver")

_CHROMIUM, _DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(
    not (_CHROMIUM and _DRIVER), reason="no chromium, or no chromedriver, is installed"
)
_FLAGS = (
    *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
    *("disable-background-networking", "disable-component-update", "disable-sync"),
    "window-size=1400,1000",
)
_SECONDS = 60  # to wait for what the page shows, at most

# The command, with the network in `make soak`, else with one that takes no time to load
# and fails if two pictures are restored at once.
_COMMAND = """
import sys, threading
from dual_prior import cli
from tests.dual_prior.fakes import Darkening

class OneAtATime(Darkening):
    lock = threading.Lock()

    def __init__(self, options):
        super().__init__(pause=0.3)

    def restore(self, *arguments, **named):
        assert self.lock.acquire(blocking=False), "two at once"
        try:
            return super().restore(*arguments, **named)
        finally:
            self.lock.release()

cli.run(**({} if sys.argv.pop() == "network" else {"load": OneAtATime}))
"""


@pytest.fixture(scope="module")
def load(soak):
    return load_restorer if soak else Darkening


@pytest.fixture(scope="module")
def server(soak, tmp_path_factory):
    """(the page's address, the folder of its temporary files)."""
    folder = tmp_path_factory.mktemp("temporary")
    words = ["web", "--no-browser", "network" if soak else "fake"]
    process = subprocess.Popen(
        [sys.executable, "-c", _COMMAND, *words],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    line = process.stdout.readline()
    assert line.startswith("The page is at http://127.0.0.1:"), line
    yield line.split()[4], folder
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert not list(folder.glob("dual-prior-*"))


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def chromium(downloads, tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = _CHROMIUM
    for flag in (*_FLAGS, f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{flag}")
    options.add_experimental_option(
        "prefs", {"download.default_directory": str(downloads)}
    )
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(_DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium, server):
    """The browser, on a new page."""
    chromium.get(server[0])
    return Browser(chromium)


class Browser:
    """The actions of a visitor of the page."""

    def __init__(self, driver):
        self.driver = driver

    def find(self, selector):
        return self.wait(lambda: self.driver.find_elements("css selector", selector))[0]

    def drop(self, *paths):
        """Drops files; returns the text of the page."""
        field = self.find("input[type=file]")
        field.send_keys("\n".join(map(str, paths)))
        return self.wait(lambda: "Restore with these" in self.text and self.text)

    def click(self, label):
        self.wait(lambda: self._buttons(label))[0].click()

    def _buttons(self, label):
        buttons = self.driver.find_elements("css selector", "button, a")
        return [b for b in buttons if b.is_displayed() and b.text.strip() == label]

    @property
    def text(self):
        return self.driver.find_element("tag name", "body").text

    def wait(self, condition):
        deadline = time.monotonic() + _SECONDS
        while not (value := condition()):
            assert time.monotonic() < deadline, self.text
            time.sleep(0.1)
        return value

    def foreign_requests(self):
        """Requests to any server but the page's own."""
        messages = [
            json.loads(entry["message"])["message"]
            for entry in self.driver.get_log("performance")
        ]
        urls = {
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        }
        assert any(url.startswith("http://127.0.0.1:") for url in urls)
        own = ("http://127.0.0.1:", "data:", "blob:", "chrome:")
        return {url for url in urls if not url.startswith(own)}


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "my photo.jpg"
    planes = np.stack([made_picture(64, 72, seed) for seed in range(3)], -1)
    exif = Image.Exif()
    exif[0x010E] = "a caption"
    Image.fromarray(planes).save(path, quality=20, exif=exif, dpi=(300, 300))
    return path


@needs_browser
def test_a_picture_dropped_lies_under_the_slider_and_downloads_as_the_command_has_it(
    browser, photo, downloads, load, tmp_path
):
    text = browser.drop(photo)
    assert "72x64, colour JPEG 4:2:0 of quality about 20" in text
    before, after = browser.wait(
        lambda: browser.driver.find_elements("css selector", "#slider img")[:2]
    )
    for image in (before, after):
        size = [image.get_property(f"natural{side}") for side in ("Width", "Height")]
        assert size == [72, 64]
    browser.driver.execute_script(
        "const box = arguments[0].getBoundingClientRect();"
        "arguments[0].dispatchEvent(new WheelEvent('wheel', {deltaY: -100,"
        "clientX: box.x + 9, clientY: box.y + 9, bubbles: true}))",
        after,
    )
    zoomed = "[...arguments].every(i => /scale\\(1\\.05/.test(i.style.transform))"
    browser.wait(lambda: browser.driver.execute_script(f"return {zoomed}", after))
    browser.click("Download")
    name = "my photo.restored.png"
    browser.wait((downloads / name).is_file)
    assert main(["restore", str(photo), "--output", f"{tmp_path}/"], load=load) == 0
    assert (downloads / name).read_bytes() == (tmp_path / name).read_bytes()
    assert not browser.foreign_requests()


@needs_browser
def test_a_broken_file_is_a_message_and_the_next_one_works(
    browser, photo, downloads, tmp_path
):
    notes, other = tmp_path / "notes.txt", tmp_path / "other.png"
    notes.write_text("no picture")
    Image.fromarray(made_picture(40, 48)).save(other)
    text = browser.drop(notes, photo, other)
    assert "notes.txt: not restored: not a picture in a known format" in text
    assert text.count(": restored in") == 2
    browser.click("Download all (zip)")
    browser.wait((downloads / "restored.zip").is_file)
    with zipfile.ZipFile(downloads / "restored.zip") as archive:
        names = {"my photo.restored.png", "other.restored.png"}
        assert set(archive.namelist()) == names


def pictures_in(folder):
    names = [name for _, _, names in os.walk(folder) for name in names]
    return [name for name in names if name.endswith((".jpg", ".png"))]


@needs_browser
def test_two_visitors_wait_their_turn_and_their_files_go_with_them(
    browser, photo, server, tmp_path
):
    driver, first = browser.driver, browser.driver.current_window_handle
    copies = [shutil.copy(photo, tmp_path / f"{index}.jpg") for index in range(6)]
    field = browser.find("input[type=file]")
    field.send_keys("\n".join(map(str, copies)))
    driver.switch_to.new_window("tab")
    driver.get(server[0])
    assert ": restored in" in browser.drop(photo)
    driver.close()
    driver.switch_to.window(first)
    assert browser.wait(lambda: browser.text.count(": restored in") == len(copies))
    driver.get("about:blank")
    browser.wait(lambda: not pictures_in(server[1]))


@needs_browser
def test_the_stages_of_the_network_can_be_looked_at(browser, photo, soak):
    if not soak:
        pytest.skip("needs the network: in make soak")
    browser.drop(photo)
    accordion = "//button[contains(., 'What the network does')]"
    browser.driver.find_element("xpath", accordion).click()
    browser.click("Draw the stages")
    image = browser.find("#stages img")
    assert browser.wait(lambda: image.get_property("naturalWidth")) > 200


def test_a_taken_port_is_one_line(capsys, monkeypatch):
    for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "")  # removed after the test, as the command sets it
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["web", "--no-browser", "--port", port], load=Darkening) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"dual-prior: --port {port}: ")


def test_without_gradio_the_error_names_the_package(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    for name in ("dual_prior.web.page", "dual_prior.web"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert main(["web", "--no-browser"], load=Darkening) == 2
    assert 'pip install "dual-prior[web]"' in capsys.readouterr().err
