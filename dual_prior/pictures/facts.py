"""Facts about how a picture was compressed."""

import numpy as np

from dual_prior.jpeg.header import JpegHeader
from dual_prior.metrics import blocking_effect_factor
from dual_prior.pictures.picture import Picture

# The names of the components of a JPEG, by their number; Adobe's marker may differ.
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


def description(
    picture: Picture,
    probability: float,
    is_clean: bool = False,
    clipping: str | None = None,
) -> dict:
    """The facts that `dual-prior inspect` prints, by name.

    Args:
        picture: The picture.
        probability: That it was compressed, by the classifier.
        is_clean: Whether it is skipped for that.
        clipping: Of the coefficients of a result, in words.
    """
    height, width = picture.pixels.shape[:2]
    facts: dict = {
        "size": f"{width}x{height}",
        "kind": picture.description,
        "quality": picture.quality,
        "probability": round(probability, 4),
        "clean": is_clean,
        "trace": picture.trace and picture.trace.facts,
        "blockiness": round(_blockiness(picture.pixels), 2) + 0.0,  # no -0.0
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
        facts["clipping"] = clipping
    return facts


def _named_tables(header: JpegHeader) -> dict[str, list[int]]:
    """The quantization tables, each once, by the components that share it."""
    names = _COMPONENTS[header.components]
    # Without Adobe's marker decoders take three components for YCbCr, four for CMYK.
    if header.adobe_transform == 0 or (
        header.adobe_transform is None and header.components == 4
    ):
        names = _UNTRANSFORMED.get(header.components, names)
    shared: dict[tuple[int, ...], list[str]] = {}
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
        ("compressed", _chance(facts)),
        ("blockiness", f"{facts['blockiness']:.2f} (0: no blocks of 8x8)"),
    ]
    if trace := facts["trace"]:
        row, column = trace["origin"]
        place = f"it begins at row {row}, column {column} of a block"
        rows.append(("before", f"JPEG of quality about {trace['quality']}; {place}"))
    if "process" in facts:
        scans = "1 scan" if facts["scans"] == 1 else f"{facts['scans']} scans"
        rows.append(("coding", f"{facts['process']}, {scans}"))
        rows.append(("chroma", facts["subsampling"]))
        if facts["clipping"] is not None:
            rows.append(("clipping", facts["clipping"]))
    lines = [f"  {name:12}{value}" for name, value in rows]
    for name, table in facts["tables"].items():
        lines.append(f"  quantization table, {name}")
        lines += [
            "    " + " ".join(f"{step:3}" for step in table[8 * row : 8 * row + 8])
            for row in range(8)
        ]
    lines += [f"  warning: {warning}" for warning in facts["warnings"]]
    return "\n".join(lines)


def _chance(facts: dict) -> str:
    left = "; no trace of JPEG: unchanged" if facts["clean"] else ""
    return f"probability {facts['probability']:.3f}{left}"


def _blockiness(pixels: np.ndarray) -> float:
    channels = pixels[..., None] if pixels.ndim == 2 else pixels
    plane = channels.mean(axis=2, dtype=np.float32)  # no copy of all channels
    if pixels.dtype == np.uint16:
        plane /= 257
    return blocking_effect_factor(plane) if min(plane.shape) > 1 else 0.0
