import io

import numpy as np
from PIL import Image

from dual_prior.pictures.facts import description, description_text
from dual_prior.pictures.reader import read_picture
from tests.conftest import made_picture


def _picture(quality=20, **settings):
    image = Image.fromarray(np.stack([made_picture(seed=s) for s in range(3)], -1))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, **settings)
    return read_picture(buffer.getvalue())


def test_the_facts_are_those_of_the_file():
    facts = description(_picture(35, subsampling=1, progressive=True), 0.9)
    assert facts["size"] == "88x72" and facts["quality"] == 35
    assert (facts["subsampling"], facts["process"]) == ("4:2:2", "progressive, Huffman")
    assert facts["probability"] == 0.9 and list(facts["tables"]) == [
        "luma",
        "Cb and Cr",
    ]


def test_tables_are_named_by_their_components():
    buffer = io.BytesIO()
    image = Image.fromarray(np.stack([made_picture()] * 4, axis=-1), "CMYK")
    image.save(buffer, "JPEG", quality=35)
    facts = description(read_picture(buffer.getvalue()), 0.9)
    assert list(facts["tables"]) == ["cyan and magenta and yellow and black"]
    # Without Adobe's marker, too.
    data = buffer.getvalue().replace(b"Adobe", b"Other")
    assert description(read_picture(data), 0.9)["tables"] == facts["tables"]


def test_stronger_compression_is_blockier():
    blockiness = [description(_picture(q), 0.5)["blockiness"] for q in (5, 20, 95)]
    assert blockiness[0] > blockiness[1] > blockiness[2]


def test_the_text_shows_all_facts_aligned():
    text = description_text(description(_picture(35), 0.987))
    for words in ("88x72", "about 35", "0.987", "4:2:0", "1 scan", "table, Cb and Cr"):
        assert words in text
    rows = [line for line in text.splitlines() if line.startswith("    ")]
    assert len(rows) == 16 and len({len(row) for row in rows}) == 1


def test_other_files_have_no_tables():
    buffer = io.BytesIO()
    Image.fromarray(made_picture()).save(buffer, "PNG")
    facts = description(read_picture(buffer.getvalue()), 0.5)
    assert facts["tables"] == {} and facts["quality"] is None
    assert "not known" in description_text(facts)
