"""The page: drop pictures, and compare before and after with a slider.

Everything is gradio's; the page loads nothing from other machines.
"""

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from dual_prior.files.record import COPIED, SKIPPED
from dual_prior.files.settings import Settings
from dual_prior.network.presets import PRESETS
from dual_prior.pictures.facts import description, description_text
from dual_prior.pictures.formats import SUFFIXES, missing_package
from dual_prior.system.text import one_line, shown
from dual_prior.web.session import Item, Session, Stopped

if TYPE_CHECKING:  # importing it takes seconds
    from dual_prior.restoration.restorer import Restorer

_HOST = "127.0.0.1"
_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; "
    "frame-ancestors 'none'"
)
_FONTS = ["system-ui", "sans-serif"]  # no fonts are loaded
_PROGRESS = gr.Progress()
_MAX_WAITING = 20  # ours, visitors in the queue

_TITLE = """\
# dual-prior
Removes JPEG artifacts. Your pictures stay on this computer."""

_WELCOME = """\
### Drop pictures into the box

JPEGs, and PNG, WebP, TIFF and BMP files that were JPEGs once. They are restored right
away; compare before and after here with a slider. The first picture takes a few seconds
more, while the network is loaded."""

_HINT = "Move the handle; zoom with the mouse wheel or two fingers, drag to move about."

_CSS = """
.gradio-container { max-width: 1500px !important; }
#welcome { border: 1px dashed var(--border-color-primary); padding: 4em 2em; }
#welcome { text-align: center; color: var(--body-text-color-subdued); }
#outcomes ul { padding-left: 1.1em; }
"""


def page(
    settings: Settings, restorer: Callable[[Settings], "Restorer"], folder: Path
) -> gr.Blocks:
    """The page, to be served.

    Args:
        settings: The initial values of its controls, and all other settings.
        restorer: Returns the restorer for some settings; never called twice at once.
        folder: Holds a folder for each visitor, which is deleted when they leave.
    """
    sessions: dict[str, Session] = {}
    named = os.fspath(settings.preset)  # or a path

    def session_of(request: gr.Request) -> Session:
        key = request.session_hash or ""
        return sessions.get(key) or sessions.setdefault(
            key, Session(Path(tempfile.mkdtemp(dir=folder)))
        )

    def keep(sources: list[str], request: gr.Request) -> None:
        session_of(request).sources.update(map(Path, sources))

    def leave(request: gr.Request) -> None:
        session = sessions.pop(request.session_hash or "", None)
        if session is None:
            return
        session.stop()
        shutil.rmtree(session.folder, ignore_errors=True)
        # One file for all visitors who dropped the same picture.
        in_use = {source for other in sessions.values() for source in other.sources}
        for source in session.sources - in_use:
            shutil.rmtree(source.parent, ignore_errors=True)

    def restore(
        sources,
        strength,
        preset,
        format,
        always,
        request: gr.Request,
        progress=_PROGRESS,
    ) -> Iterator[dict]:
        session = session_of(request)
        yield {
            **dict.fromkeys((results, one, archive), gr.update(visible=False)),
            outcomes: "",
            welcome: gr.update(visible=not sources),
            stages: None,
            again: gr.update(visible=False),
            stop: gr.update(value="Stop", interactive=True, visible=True),
            progress_bar: gr.update(visible=True),
        }

        def on_tile(name: str, done: int, total: int) -> None:
            progress(
                done / total, desc=f"{name}: tile {min(done + 1, total)} of {total}"
            )

        is_shown = False
        try:
            chosen = dataclasses.replace(
                settings,
                strength=strength,
                preset=preset,
                format=format,
                always=always,
            )
            paths = [Path(source) for source in sources or []]
            for item in session.restore(
                paths, chosen, lambda: restorer(chosen), on_tile
            ):
                changes: dict[Any, Any] = {outcomes: _outcomes(session.items)}
                good = [i for i, it in enumerate(session.items) if it.is_restored]
                if item.is_restored and not is_shown:
                    is_shown = True
                    changes |= view(good[0], request)
                    changes[results] = gr.update(visible=True)
                if item.is_restored:
                    names = [(session.items[i].source.name, i) for i in good]
                    changes[choice] = gr.update(
                        choices=names, value=good[0], visible=len(good) > 1
                    )
                yield changes
            if path := session.archive():
                yield {archive: gr.update(value=path, visible=True)}
        except Stopped:
            gr.Info("Stopped.")
        except Exception as error:  # of the settings, or of loading the network
            yield {outcomes: f"**Nothing can be restored**: {shown(one_line(error))}"}
        yield {
            **dict.fromkeys((stop, progress_bar), gr.update(visible=False)),
            again: gr.update(visible=True),
        }

    def view(index: int, request: gr.Request) -> dict:
        """Shows one of the results."""
        item = session_of(request).items[index]
        facts = description(item.picture(), item.record.probability or 0.0)
        return {
            slider: item.views(),
            summary: _summary(item, facts),
            details: f"```\n{description_text(facts)}\n```",
            one: gr.update(value=item.result, visible=True),
            stages: None,
        }

    def end(request: gr.Request) -> dict:
        session_of(request).stop()
        return gr.update(value="Stopping after this tile", interactive=False)

    def draw_stages(index: int, request: gr.Request) -> Path:
        """Draws what the network does to the middle of a picture."""
        from dual_prior.drawing.stages import stages_png

        item = session_of(request).items[index]
        path = item.folder / "stages.png"
        try:
            pixels = item.picture().pixels
            path.write_bytes(stages_png(restorer(item.settings), pixels))
        except Exception as error:
            raise gr.Error(f"Cannot be drawn: {one_line(error)}") from error
        return path

    # One picture at a time is restored, for all visitors together.
    network: dict[str, Any] = {"concurrency_id": "network", "concurrency_limit": 1}

    with gr.Blocks(
        title="dual-prior", analytics_enabled=False, delete_cache=(600, 86400)
    ) as blocks:
        gr.Markdown(_TITLE)
        with gr.Row():
            with gr.Column(scale=1, min_width=300):
                dropped = gr.File(label="Pictures", file_count="multiple", height=170)
                strength = gr.Slider(
                    0, 1, settings.strength, step=0.05, label="Strength"
                )
                with gr.Row():
                    preset = gr.Dropdown(
                        list(dict.fromkeys([named, *PRESETS])),
                        value=named,
                        label="Network",
                        interactive=settings.weights is None,
                        min_width=120,
                    )
                    format = gr.Dropdown(
                        [f for f in SUFFIXES if missing_package(f) is None],
                        value=settings.format or "png",
                        label="Result",
                        min_width=120,
                    )
                always = gr.Checkbox(
                    settings.always, label="Restore pictures without a trace of JPEG"
                )
                again = gr.Button("Restore with these settings", visible=False)
                stop = gr.Button("Stop", variant="stop", visible=False)
                progress_bar = gr.Markdown(visible=False, min_height=70)
                outcomes = gr.Markdown(elem_id="outcomes")
            with gr.Column(scale=3, min_width=300):
                welcome = gr.Markdown(_WELCOME, elem_id="welcome")
                choice = gr.Dropdown(label="Picture", visible=False)
                with gr.Column(visible=False) as results:
                    slider = gr.ImageSlider(
                        label="Before and after",
                        type="filepath",
                        interactive=False,
                        max_height=600,
                        buttons=["fullscreen"],
                        elem_id="slider",
                    )
                    gr.Markdown(_HINT)
                    with gr.Row():
                        one = gr.DownloadButton(
                            "Download", variant="primary", size="md"
                        )
                        archive = gr.DownloadButton("Download all (zip)", size="md")
                    summary = gr.Markdown()
                    with gr.Accordion("How it was compressed", open=False):
                        details = gr.Markdown()
                    with gr.Accordion(
                        "What the network does, stage by stage", open=False
                    ):
                        draw = gr.Button("Draw the stages")
                        stages = gr.Image(
                            show_label=False,
                            interactive=False,
                            buttons=["download", "fullscreen"],
                            elem_id="stages",
                        )

        shown_parts = [slider, summary, details, one, stages]
        asked: dict[str, Any] = {
            "fn": restore,
            "inputs": [dropped, strength, preset, format, always],
            "outputs": [
                *(*shown_parts, results, welcome, choice, archive),
                *(outcomes, again, stop, progress_bar),
            ],
            "show_progress_on": progress_bar,
            **network,
        }
        dropped.upload(keep, dropped, queue=False)
        dropped.upload(**asked)
        again.click(**asked)
        stop.click(end, None, stop, queue=False)
        choice.input(view, choice, shown_parts)
        draw.click(draw_stages, choice, stages, **network)
        blocks.unload(leave)
    return blocks.queue(max_size=_MAX_WAITING)


def launch(
    blocks: gr.Blocks, port: int | None, opens_browser: bool, max_file_size: int
) -> str:
    """Serves the page on this machine only, in other threads; returns its address.

    Args:
        blocks: The page.
        port: The port; None for the first free one from 7860 on.
        opens_browser: Whether to open it in the user's browser.
        max_file_size: Of a picture, bytes.

    Raises:
        OSError: The port is taken.
    """
    _, address, _ = blocks.launch(
        server_name=_HOST,
        server_port=port,
        inbrowser=opens_browser,
        share=False,
        prevent_thread_lock=True,
        quiet=True,
        css=_CSS,
        theme=gr.themes.Default(font=_FONTS, font_mono=["monospace"]),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        enable_monitoring=False,
        max_file_size=max_file_size,
        app_kwargs={
            "middleware": [
                # Against DNS rebinding: other host names may resolve to this machine.
                Middleware(TrustedHostMiddleware, allowed_hosts=[_HOST, "localhost"]),
                Middleware(_OnlyOwnContent),
            ]
        },
    )
    return address


class _OnlyOwnContent:
    """Tells browsers to load nothing for the page from anywhere else."""

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send):
        async def send_with_policy(message):
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Content-Security-Policy"] = _POLICY
            await send(message)

        await self._app(scope, receive, send_with_policy)


def _outcomes(items: list[Item]) -> str:
    lines = []
    for item in items:
        name, record = f"**{shown(item.source.name)}**", item.record
        if item.is_restored:
            lines.append(f"- {name}: restored in {record.seconds:.1f} s")
        else:
            verbs = {SKIPPED: "skipped", COPIED: "unchanged"}
            verb = verbs.get(record.status, "not restored")
            reason = (record.reason or "").partition("; --always")[0]  # for the shell
            lines.append(f"- {name}: {verb}: {shown(reason)}")
    return "\n".join(lines)


def _summary(item: Item, facts: dict) -> str:
    """The facts about a picture, in words."""
    probability = facts["probability"]
    surely = next(
        word
        for least, word in (
            (0.95, "almost certainly"),
            (0.6, "probably"),
            (0.4, "perhaps"),
            (0.0, "probably never"),
        )
        if probability >= least
    )
    lines = [
        f"**{shown(item.source.name)}**: {facts['size']}, {facts['kind']}; {surely} "
        f"compressed (probability {probability:.2f}).",
        *(f"- {shown(warning)}" for warning in item.record.warnings),
    ]
    return "\n".join(lines)
