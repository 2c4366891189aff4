import io

import numpy as np
import pytest
from PIL import Image

from dual_prior.drawing.comparison import comparison_png, most_changed
from tests.conftest import made_picture


def test_the_detail_is_where_most_was_done():
    before = np.zeros((200, 300), np.uint8)
    after = before.copy()
    after[100:110, 250:260] = 255
    top, left, side = most_changed(before, after)
    assert top <= 100 and top + side >= 110 and left <= 250 and left + side >= 260
    # The depth of the result is another picture's matter.
    deep = after.astype(np.uint16) * 257
    deep[:40, :40] = 500  # two levels of 255
    assert most_changed(before, deep) == (top, left, side)


@pytest.mark.parametrize("size", [(1, 1), (5, 300), (72, 88), (900, 700)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_any_size_and_depth_can_be_drawn(size, dtype):
    before = np.resize(made_picture(), size).astype(dtype)
    colour = np.stack([before] * 3, axis=-1)
    for image in (before, colour):
        sheet = Image.open(io.BytesIO(comparison_png(image, image // 2)))
        assert sheet.format == "PNG" and sheet.width >= 2 * 320


def test_before_is_left_and_after_is_right():
    before = np.full((400, 400), 200, np.uint8)
    after = np.full((400, 400), 60, np.uint8)
    sheet = np.asarray(
        Image.open(io.BytesIO(comparison_png(before, after))).convert("L")
    )
    quarter = sheet.shape[1] // 4
    row = sheet[sheet.shape[0] // 4]
    assert (row[quarter], row[3 * quarter]) == (200, 60)
