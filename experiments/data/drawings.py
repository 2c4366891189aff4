"""Drawings to train on and to measure with: pure functions of a seed.

Photographs teach a network little about drawings, text and plots: letters on a flat
background, lines, few colours, single pixels. The fonts are those of matplotlib. The
drawings were never compressed. All numbers are ours.
"""

import functools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

_SIDE = 320  # pixels

HELD_OUT_SEED = 1_000_000  # training draws those below

_FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSerif"),
    *("DejaVuSerif-Bold", "DejaVuSansMono", "STIXGeneral", "STIXGeneralItalic"),
    *("STIXGeneralBol", "cmr10", "cmss10", "cmtt10"),
)
_TEXT = (
    "the of and a to in is you that it he was for on are as with his they I at be "
    "this have from or one had by word but not what all were we when your can "
    "said there use an each which she do how their if will up other about out "
    "many then them these so File Edit View Help Open Save Cancel OK Total Price "
    "Name Date 2024 1999 3.14 100% $49.90 No. 17 JPEG quality (see below) Fig. 3: "
    "Jumps over lazy dogs, quickly! Wind temperature [km/h] x = y + 2 "
    "https://example.org/index.html?id=42 user@host "
)
_WORDS = tuple(_TEXT.split())


def drawing(seed: int, kind: str | None = None, side: int = _SIDE) -> np.ndarray:
    """A drawing.

    Args:
        seed: Any integer of 0 or more; another seed gives another drawing.
        kind: One of `KINDS`; by default they take turns with the seed.
        side: Height and width, pixels.

    Returns:
        `[side, side, 3]`, uint8.
    """
    names = tuple(KINDS)
    if kind is None:
        kind = names[seed % len(names)]
    rng = np.random.default_rng((seed, names.index(kind)))
    return np.ascontiguousarray(KINDS[kind](rng, side))


# Colours and fonts.


def _colour(rng: np.random.Generator) -> tuple[int, ...]:
    """Any colour, or one that programs often use: pure, grey, black and white."""
    kind = rng.integers(4)
    if kind == 0:
        return tuple(int(v) for v in rng.integers(0, 2, 3) * 255)
    if kind == 1:
        return (int(rng.integers(256)),) * 3
    return tuple(int(v) for v in rng.integers(0, 256, 3))


def _ground_and_ink(rng: np.random.Generator) -> tuple[tuple, tuple]:
    """Two colours that can be distinguished, most often dark on bright."""
    kind = rng.integers(5)
    if kind <= 1:
        return (255, 255, 255), (0, 0, 0) if rng.random() < 0.6 else _colour(rng)
    if kind == 2:
        bright = tuple(int(v) for v in rng.integers(225, 256, 3))
        return bright, tuple(int(v) for v in rng.integers(0, 80, 3))
    while True:
        ground, ink = _colour(rng), _colour(rng)
        if np.abs(np.subtract(ground, ink)).sum() > 150:
            return ground, ink


@functools.lru_cache(maxsize=256)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / f"{name}.ttf"), size)


def _any_font(rng, low: int = 8, high: int = 26) -> ImageFont.FreeTypeFont:
    size = round(low * (high / low) ** rng.random())
    return _font(str(rng.choice(_FONTS)), size)


def _words(rng, count: int) -> str:
    return " ".join(str(word) for word in rng.choice(_WORDS, count))


def _canvas(ground, side: int, rng=None) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (side, side), ground)
    draw = ImageDraw.Draw(image)
    if rng is not None and rng.random() < 0.25:
        draw.fontmode = "1"  # text without grey at its edges
    return image, draw


def _write(draw, box, rng, font, ink) -> None:
    """Lines of words in a box (left, top, right, bottom)."""
    left, top, right, bottom = box
    step = round(font.size * rng.uniform(1.1, 1.5))
    for row in range(top, bottom - step, step):
        line = _words(rng, int(rng.integers(2, 12)))
        while line and draw.textlength(line, font) > right - left:
            line = line[:-1]
        draw.text((left, row), line, ink, font)


# The kinds.


def _text(rng, side):
    ground, ink = _ground_and_ink(rng)
    image, draw = _canvas(ground, side, rng)
    columns = int(rng.integers(1, 3))
    width = side // columns
    for column in range(columns):
        left = column * width + int(rng.integers(2, 12))
        top = int(rng.integers(0, 12))
        while top < side - 20:
            font = _any_font(rng, 7, 24)
            height = int(rng.integers(2, 8)) * round(font.size * 1.4)
            bottom = min(side, top + height)
            _write(draw, (left, top, (column + 1) * width - 4, bottom), rng, font, ink)
            top += height + 4
    return np.asarray(image)


def _coloured_text(rng, side):
    image, draw = _canvas(_colour(rng), side, rng)
    top = 0
    while top < side:
        height = int(rng.integers(18, 70))
        left = 0
        while left < side:
            right = left + int(rng.integers(60, side + 1))
            ground, ink = _ground_and_ink(rng)
            if rng.random() < 0.6:
                ground, ink = _colour(rng), _colour(rng)
            draw.rectangle((left, top, right, top + height), ground)
            font = _any_font(rng, 8, 32)
            _write(draw, (left + 3, top, right, top + height + 9), rng, font, ink)
            left = right
        top += height
    return np.asarray(image)


def _chart(rng, side):
    ground = (255, 255, 255) if rng.random() < 0.7 else _colour(rng)
    scale = int(rng.choice((1, 3)))  # jagged, or smooth
    image, draw = _canvas(ground, side * scale)
    left, bottom = 30 * scale, (side - 25) * scale
    width, height = side * scale - left, bottom
    if rng.random() < 0.6:
        grid = (int(rng.integers(170, 235)),) * 3
        for part in np.arange(0, 1, 1 / rng.integers(3, 9)):
            y = round(bottom - part * height)
            draw.line((left, y, side * scale, y), grid, scale)
    kind = rng.integers(4)
    for _ in range(rng.integers(1, 5)):
        ink = _colour(rng)
        count = int(rng.integers(5, 60))
        xs = left + np.linspace(0, width, count)
        values = np.cumsum(rng.normal(0, 0.15, count)) + rng.uniform(0.2, 0.8)
        ys = bottom - np.clip(values, 0.02, 0.98) * height
        points = list(zip(xs.tolist(), ys.tolist(), strict=True))
        if kind == 0:
            draw.line(points, ink, scale * int(rng.integers(1, 4)))
        elif kind == 1:
            bar = max(2, width / count * rng.uniform(0.4, 1))
            for x, y in points:
                draw.rectangle((x, min(y, bottom), x + bar, bottom), ink)
        elif kind == 2:
            radius = scale * rng.uniform(1, 4)
            for x, y in points:
                box = (x - radius, y - radius, x + radius, y + radius)
                draw.ellipse(box, ink)
        else:
            draw.polygon([*points, (side * scale, bottom), (left, bottom)], ink)
    axis = (0, 0, 0) if np.mean(ground) > 100 else (255, 255, 255)
    draw.line((left, 0, left, bottom, side * scale, bottom), axis, scale)
    image = image.resize((side, side), Image.Resampling.BOX)
    draw = ImageDraw.Draw(image)
    font = _any_font(rng, 7, 13)
    for part in range(0, 6):
        draw.text((2, side - 32 - part * 55), f"{part * 20}", axis, font)
        draw.text((32 + part * 55, side - 20), f"{2000 + part}", axis, font)
    draw.text((60, 3), _words(rng, 4), axis, _any_font(rng, 10, 17))
    return np.asarray(image)


def _curve(rng, side, corners=5) -> np.ndarray:
    """A smooth line through random places, `[n, 2]`."""
    places = rng.uniform(-0.2, 1.2, (corners, 2)) * side
    t = np.linspace(0, 1, 60)[:, None]
    points = [np.broadcast_to(place, (len(t), 2)) for place in places]
    while len(points) > 1:
        points = [(1 - t) * a + t * b for a, b in zip(points, points[1:], strict=False)]
    return points[0]


def _line_art(rng, side):
    ground, ink = _ground_and_ink(rng)
    scale = int(rng.choice((1, 3)))
    image, draw = _canvas(ground, side * scale)
    for _ in range(rng.integers(8, 40)):
        points = _curve(rng, side * scale, int(rng.integers(2, 6)))
        width = scale * int(rng.integers(1, 5))
        draw.line([tuple(point) for point in points.tolist()], ink, width)
    if rng.random() < 0.5:  # hatching
        step, slope = int(rng.integers(3, 9)) * scale, rng.uniform(-1, 1)
        top, bottom = sorted(rng.integers(0, side * scale, 2).tolist())
        for x in range(0, side * scale, step):
            end = x + slope * (bottom - top)
            draw.line((x, top, end, bottom), ink, scale)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))


def _shapes(rng, draw, side, count, outline=None, width=1):
    for _ in range(count):
        x, y = rng.uniform(-0.2, 1, 2) * side
        w, h = rng.uniform(0.05, 0.6, 2) * side
        ink = _colour(rng)
        kind = rng.integers(4)
        if kind == 0:
            draw.ellipse((x, y, x + w, y + h), ink, outline, width)
        elif kind == 1:
            draw.rectangle((x, y, x + w, y + h), ink, outline, width)
        elif kind == 2:
            corners = rng.uniform(0, 1, (int(rng.integers(3, 7)), 2)) * (w, h) + (x, y)
            draw.polygon([tuple(corner) for corner in corners], ink, outline, width)
        else:
            points = [tuple(p) for p in _curve(rng, side).tolist()]
            draw.polygon(points, ink, outline, width)


def _comic(rng, side):
    scale = int(rng.choice((1, 3, 3)))
    image, draw = _canvas(_colour(rng), side * scale)
    line = scale * int(rng.integers(1, 4))
    _shapes(rng, draw, side * scale, int(rng.integers(8, 30)), (0, 0, 0), line)
    image = image.resize((side, side), Image.Resampling.BOX)
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(0, 3)):  # balloons
        x, y = (int(v) for v in rng.integers(0, side - 90, 2))
        draw.ellipse((x, y, x + 110, y + 60), (255, 255, 255), (0, 0, 0), 2)
        font = _any_font(rng, 8, 13)
        _write(draw, (x + 18, y + 14, x + 96, y + 52), rng, font, (0, 0, 0))
    if rng.random() < 0.5:  # panels
        across = int(rng.integers(60, side - 60))
        draw.rectangle((across, 0, across + 7, side), (255, 255, 255))
        down = int(rng.integers(60, side - 60))
        draw.rectangle((0, down, side, down + 7), (255, 255, 255))
    return np.asarray(image)


def _field(rng, side: int, coarse: int = 5) -> np.ndarray:
    """Smooth noise, `[side, side]` in [0, 1]."""
    field = cv2.resize(
        rng.uniform(0, 1, (coarse, coarse)), (side, side), interpolation=cv2.INTER_CUBIC
    )
    return np.clip((field - field.min()) / max(1e-6, np.ptp(field)), 0, 1)


def _screentone(rng, side):
    """Dots or lines, larger where it is darker, as in print and manga."""
    angle, period = rng.uniform(0, np.pi / 2), rng.uniform(3, 9)
    rows, columns = np.indices((side * 3, side * 3)) / 3
    u = (rows * np.cos(angle) + columns * np.sin(angle)) / period * 2 * np.pi
    v = (columns * np.cos(angle) - rows * np.sin(angle)) / period * 2 * np.pi
    wave = np.cos(u) + np.cos(v) if rng.random() < 0.7 else 2 * np.cos(u)
    tone = _field(rng, side * 3, int(rng.integers(2, 6)))
    if rng.random() < 0.4:  # flat tones
        tone = np.round(tone * 4) / 4
    dots = (wave / 4 + 0.5 < tone).astype(np.float32)
    if rng.random() < 0.7:
        dots = cv2.resize(dots, (side, side), interpolation=cv2.INTER_AREA)
    else:
        dots = dots[::3, ::3]
    ground, ink = np.array(_ground_and_ink(rng))
    picture = ground + dots[..., None] * (ink - ground)
    image = Image.fromarray(np.round(picture).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(0, 8)):
        points = [tuple(p) for p in _curve(rng, side).tolist()]
        draw.line(points, tuple(ink.tolist()), int(rng.integers(1, 5)))
    return np.asarray(image)


def _pixel_art(rng, side):
    """Large pixels on a grid that starts anywhere."""
    scale = int(rng.choice((1, 2, 2, 3, 4, 4, 5, 6, 8)))
    small = side // scale + 2
    palette = np.array([_colour(rng) for _ in range(rng.integers(3, 17))], np.uint8)
    indices = (_field(rng, small, 6) * (len(palette) - 1)).round().astype(int)
    for _ in range(rng.integers(3, 20)):  # sprites, mirrored as faces are
        half = rng.integers(0, len(palette), (int(rng.integers(4, 12)), 4))
        half = np.where(rng.random(half.shape) < 0.5, half[:1, :1], half)
        sprite = np.concatenate([half, half[:, ::-1]], axis=1)
        top, left = (int(rng.integers(0, max(1, small - n))) for n in sprite.shape)
        part = indices[top : top + sprite.shape[0], left : left + sprite.shape[1]]
        part[...] = sprite[: part.shape[0], : part.shape[1]]
    large = palette[indices].repeat(scale, axis=0).repeat(scale, axis=1)
    phase = rng.integers(0, scale, 2) if rng.random() < 0.6 else (0, 0)
    return large[phase[0] : phase[0] + side, phase[1] : phase[1] + side]


def _scene(rng, side) -> np.ndarray:
    """A picture with shades, to be dithered, `[side, side, 3]`, grey levels."""
    scene = np.stack([_field(rng, side, int(rng.integers(2, 7))) for _ in range(3)], -1)
    image = Image.fromarray(np.round(255 * scene).astype(np.uint8))
    _shapes(rng, ImageDraw.Draw(image), side, int(rng.integers(0, 6)))
    blurred = cv2.GaussianBlur(np.asarray(image), (0, 0), rng.uniform(0.5, 4))
    return blurred.astype(np.float64)


_BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16


def _ordered(levels: np.ndarray, steps: int) -> np.ndarray:
    """`levels` in [0, 1] at `steps` + 1 values, by Bayer's thresholds."""
    rows, columns = np.indices(levels.shape[:2]) % 4
    thresholds = _BAYER[rows, columns] + 1 / 32
    if levels.ndim == 3:
        thresholds = thresholds[..., None]
    return np.floor(levels * steps + thresholds) / steps


def _one_bit(rng, side):
    scale = int(rng.choice((1, 1, 2, 3)))
    grey = _scene(rng, side // scale + 1).mean(axis=-1)
    if rng.random() < 0.5:
        image = Image.fromarray(np.round(grey).astype(np.uint8)).convert("1")
        bits = np.asarray(image).astype(np.float64)
    else:
        bits = np.clip(_ordered(grey / 255, 1), 0, 1)
    ground, ink = np.array(_ground_and_ink(rng))
    picture = (ground + bits[..., None] * (ink - ground)).astype(np.uint8)
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)[:side, :side]


def _few_colours(rng, side):
    scale = int(rng.choice((1, 1, 2)))
    scene = _scene(rng, side // scale + 1)
    if rng.random() < 0.6:
        image = Image.fromarray(np.round(scene).astype(np.uint8))
        dither = (
            Image.Dither.FLOYDSTEINBERG if rng.random() < 0.7 else Image.Dither.NONE
        )
        palette = image.quantize(int(rng.choice((8, 16, 16, 32))))
        image = image.quantize(palette=palette, dither=dither).convert("RGB")
        picture = np.asarray(image)
    else:
        picture = np.clip(_ordered(scene / 255, int(rng.integers(1, 4))), 0, 1)
        picture = np.round(255 * picture).astype(np.uint8)
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)[:side, :side]


def _user_interface(rng, side):
    dark = rng.random() < 0.3
    ground = (int(rng.integers(20, 60)) if dark else int(rng.integers(225, 256)),) * 3
    ink = (225, 225, 225) if dark else (20, 20, 20)
    image, draw = _canvas(ground, side, rng)
    font = _any_font(rng, 9, 14)
    bar = _colour(rng)
    draw.rectangle((0, 0, side, 22), bar)
    contrast = (0, 0, 0) if np.mean(bar) > 127 else (255, 255, 255)
    draw.text((6, 4), _words(rng, 3), contrast, font)
    for index in range(3):
        box = (side - 20 * (index + 1), 4, side - 20 * index - 6, 18)
        draw.rectangle(box, None, contrast)
    top = 30
    while top < side - 24:
        kind = rng.integers(5)
        height = int(rng.integers(18, 30))
        if kind == 0:  # buttons
            for left in range(8, side - 80, 92):
                fill, radius = _colour(rng), int(rng.integers(0, 8))
                box = (left, top, left + 80, top + height)
                draw.rounded_rectangle(box, radius, fill, ink)
                over = (0, 0, 0) if np.mean(fill) > 127 else (255, 255, 255)
                draw.text((left + 8, top + 4), _words(rng, 1)[:9], over, font)
        elif kind == 1:  # a field to type into
            draw.text((8, top + 3), _words(rng, 1), ink, font)
            field = (10, 10, 10) if dark else (255, 255, 255)
            draw.rectangle((110, top, side - 10, top + height), field, (120,) * 3)
            draw.text((114, top + 3), _words(rng, 2), ink, font)
        elif kind == 2:  # a table
            width = int(rng.integers(50, 100))
            for row in range(3):
                for left in range(8, side - width, width):
                    y = top + row * 20
                    draw.rectangle((left, y, left + width, y + 20), None, (150,) * 3)
                    value = f"{rng.integers(0, 9999)}"
                    draw.text((left + 4, y + 4), value, ink, font)
            height = 62
        elif kind == 3:  # icons
            for left in range(10, side - 30, 40):
                box = (left, top, left + 20, top + 20)
                draw.ellipse(box, _colour(rng), ink)
                draw.line((left + 4, top + 10, left + 16, top + 10), ink, 2)
        else:
            _write(draw, (8, top, side - 8, top + 2 * height), rng, font, ink)
            height *= 2
        top += height + int(rng.integers(4, 14))
    return np.asarray(image)


def _gradient(rng, side):
    """Shades from one colour to another, with something flat on top."""
    start, end = np.array(_colour(rng)), np.array(_colour(rng))
    rows, columns = np.indices((side, side)) / side
    angle = rng.uniform(0, 2 * np.pi)
    along = rows * np.sin(angle) + columns * np.cos(angle)
    if rng.random() < 0.4:
        along = np.hypot(rows - rng.random(), columns - rng.random())
    along = (along - along.min()) / np.ptp(along)
    shades = np.round(start + along[..., None] * (end - start)).astype(np.uint8)
    image = Image.fromarray(shades)
    draw = ImageDraw.Draw(image)
    _shapes(rng, draw, side, int(rng.integers(0, 5)))
    for _ in range(rng.integers(0, 4)):
        place = tuple(int(v) for v in rng.integers(0, side - 40, 2))
        draw.text(place, _words(rng, 3), _colour(rng), _any_font(rng, 10, 40))
    return np.asarray(image)


def _logo(rng, side):
    """Smooth shapes and large letters in few colours."""
    image, draw = _canvas(_colour(rng), side * 3)
    _shapes(rng, draw, side * 3, int(rng.integers(2, 9)))
    for _ in range(rng.integers(1, 4)):
        place = tuple(int(v) for v in rng.integers(0, side * 2, 2))
        font = _any_font(rng, 60, 300)
        draw.text(place, _words(rng, 1), _colour(rng), font)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))


KINDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "text": _text,
    "coloured text": _coloured_text,
    "chart": _chart,
    "line art": _line_art,
    "comic": _comic,
    "screentone": _screentone,
    "pixel art": _pixel_art,
    "one bit": _one_bit,
    "few colours": _few_colours,
    "user interface": _user_interface,
    "gradient": _gradient,
    "logo": _logo,
}
