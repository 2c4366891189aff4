"""What can be known of a picture's compression, and what the network does to it."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dual_prior.jpeg.header import JpegHeader
from dual_prior.metrics import blocking_effect_factor
from dual_prior.pictures.picture import Picture
from dual_prior.restoration.restorer import Restorer

# All numbers ours, pixels.
_SIDE = 256  # of the part that is drawn
_GAP = 10
_LABEL = 26
_BACKGROUND = (255, 255, 255)
_INK = (32, 32, 32)

# What the components of a JPEG are, by their number; as Adobe's marker may say instead.
_COMPONENTS = {
    1: ("luma",),
    2: ("first", "second"),
    3: ("luma", "Cb", "Cr"),
    4: ("luma", "Cb", "Cr", "black"),
}
_UNTRANSFORMED = {
    3: ("red", "green", "blue"),
    4: ("cyan", "magenta", "yellow", "black"),
}


def description(picture: Picture, probability: float) -> dict:
    """What `dual-prior inspect` tells, by name.

    Args:
        picture: The picture.
        probability: That it was compressed, by the classifier.
    """
    height, width = picture.pixels.shape[:2]
    facts = {
        "size": f"{width}x{height}",
        "kind": picture.description,
        "quality": picture.quality,
        "probability": round(probability, 4),
        "blockiness": round(_blockiness(picture.pixels), 2),
        "tables": {},
        "warnings": picture.warnings,
    }
    if picture.jpeg is not None:
        header = picture.jpeg
        coding = "arithmetic" if header.arithmetic else "Huffman"
        facts["process"] = f"{header.process}, {coding}"
        facts["subsampling"] = header.subsampling
        facts["scans"] = header.num_scans
        facts["tables"] = _named_tables(header)
    return facts


def _named_tables(header: JpegHeader) -> dict[str, list[int]]:
    """The quantization tables, each once, by the components that share it."""
    names = _COMPONENTS[header.components]
    # Without Adobe's marker decoders take three components for YCbCr, four for CMYK.
    if header.adobe_transform == 0 or (
        header.adobe_transform is None and header.components == 4
    ):
        names = _UNTRANSFORMED.get(header.components, names)
    shared = {}
    for name, table in zip(names, header.quantization, strict=False):
        steps = tuple(np.asarray(table).astype(int).tolist())
        shared.setdefault(steps, []).append(name)
    return {" and ".join(parts): list(steps) for steps, parts in shared.items()}


def description_text(facts: dict) -> str:
    """The facts as aligned lines, for people."""
    quality = facts["quality"]
    rows = [
        ("picture", f"{facts['size']}, {facts['kind']}"),
        ("quality", "not known" if quality is None else f"about {quality}"),
        ("compressed", f"probability {facts['probability']:.3f}"),
        ("blockiness", f"{facts['blockiness']:.2f} (0: no blocks of 8x8)"),
    ]
    if "process" in facts:
        scans = "1 scan" if facts["scans"] == 1 else f"{facts['scans']} scans"
        rows.append(("coding", f"{facts['process']}, {scans}"))
        rows.append(("chroma", facts["subsampling"]))
    lines = [f"  {name:12}{value}" for name, value in rows]
    for name, table in facts["tables"].items():
        lines.append(f"  quantization table, {name}")
        lines += [
            "    " + " ".join(f"{step:3}" for step in table[8 * row : 8 * row + 8])
            for row in range(8)
        ]
    lines += [f"  warning: {warning}" for warning in facts["warnings"]]
    return "\n".join(lines)


def stages_png(restorer: Restorer, pixels: np.ndarray) -> bytes:
    """A PNG file of what each stage did to the middle of a picture.

    A row a stage: u (Eq. 8), the horizontal part of g (Eq. 9), the derivative of the
    classifier there, x (Eq. 10), with the energy of Eq. 4 and the probability.

    Args:
        restorer: Whose network is looked into.
        pixels: `[H, W]` or `[H, W, 3]`, uint8 or uint16.
    """
    import keras

    from dual_prior.network.backend import value_and_input_gradient
    from dual_prior.network.operators import image_gradient
    from dual_prior.restoration.pixels import seen_by

    network = restorer.network
    part = _middle(pixels[..., None] if pixels.ndim == 2 else pixels)
    y = keras.ops.convert_to_tensor(seen_by(network.deblocker.channels, part)[None])

    def derivative(g):
        return value_and_input_gradient(network.classifier, g)[1]

    def numpy(tensor):
        return keras.ops.convert_to_numpy(tensor)[0]

    gradient = image_gradient(y)
    # One scale for all stages, so that they can be compared.
    steepest = np.abs(numpy(gradient)).max() or 1.0
    strongest = np.abs(numpy(derivative(gradient))).max() or 1.0
    channels = network.deblocker.channels
    cells = [
        [
            ("y, the picture", _grey(numpy(y))),
            ("grad y, horizontal", _signed(numpy(gradient), channels, steepest)),
            ("d f_s / d g", _signed(numpy(derivative(gradient)), channels, strongest)),
        ]
    ]
    for k, state in enumerate(network(y, return_stages=True), start=1):
        energy, probability = float(numpy(state["energy"])), numpy(state["probability"])
        slope = numpy(derivative(state["g"]))
        cells.append(
            [
                (f"u{k}", _grey(numpy(state["u"]))),
                (f"g{k}, horizontal", _signed(numpy(state["g"]), channels, steepest)),
                (
                    f"d f_s / d g, f_s = {float(probability):.3f}",
                    _signed(slope, channels, strongest),
                ),
                (f"x{k}, energy {energy:.1f}", _grey(numpy(state["x"]))),
            ]
        )
    return _sheet(cells)


def _blockiness(pixels: np.ndarray) -> float:
    channels = pixels[..., None] if pixels.ndim == 2 else pixels
    plane = channels.mean(axis=2, dtype=np.float32)  # no copy of all channels
    if pixels.dtype == np.uint16:
        plane /= 257
    return blocking_effect_factor(plane) if min(plane.shape) > 1 else 0.0


def _middle(planes: np.ndarray) -> np.ndarray:
    # On the grid of blocks, as the picture is.
    top, left = (max(0, side - _SIDE) // 2 // 8 * 8 for side in planes.shape[:2])
    return planes[top : top + _SIDE, left : left + _SIDE]


def _grey(image: np.ndarray) -> np.ndarray:
    return np.round(np.clip(image.mean(axis=-1), 0, 1) * 255).astype(np.uint8)


def _signed(field: np.ndarray, channels: int, largest: float) -> np.ndarray:
    """The horizontal part of a field, 0 as mid grey; roots, so that little shows."""
    values = field[..., :channels].mean(axis=-1) / largest
    roots = np.sign(values) * np.sqrt(np.abs(np.clip(values, -1, 1)))
    return np.round(127.5 + 127.5 * roots).astype(np.uint8)


def _sheet(rows: list[list[tuple[str, np.ndarray]]]) -> bytes:
    height, width = rows[0][0][1].shape
    cell_width, cell_height = max(width, _SIDE) + _GAP, height + _LABEL + _GAP
    size = (max(map(len, rows)) * cell_width + _GAP, len(rows) * cell_height + _GAP)
    sheet = Image.new("RGB", size, _BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for i, row in enumerate(rows):
        for j, (label, plane) in enumerate(row):
            left, top = _GAP + j * cell_width, _GAP + i * cell_height
            draw.text((left, top), label, _INK, font)
            sheet.paste(Image.fromarray(plane), (left, top + _LABEL))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
