import dataclasses

import pytest

from dual_prior.command.arguments import parse
from dual_prior.files.settings import Settings
from dual_prior.network.presets import find_preset

OTHERS = {  # a value other than the default, of each field
    "preset": "compact",
    "weights": __file__,
    "strength": 0.5,
    "depth": 8,
    "max_memory": 2.5,
    "format": "webp",
    "suffix": "_clean",
    "backup": ".orig",
    "page": 2,
    "crop": "40x30+8+16",
    "quality": 80,
    "subsampling": 420,
    "max_megapixels": 2.5,
    "max_file_size": 3,
    "max_scans": 4,
    "consistency": "always",
}


@pytest.mark.parametrize("field", dataclasses.fields(Settings), ids=lambda f: f.name)
def test_each_setting_is_a_flag_that_means_the_same(field):
    assert getattr(Settings(), field.name) == field.default
    value = OTHERS.get(field.name, True)
    for flag in (f"--{field.name}", f"--{field.name.replace('_', '-')}"):
        words = [flag] if value is True else [flag, str(value)]
        more = ["in_place"] if field.name in ("backup", "force") else []
        words += [f"--{name}" for name in more]
        parsed = parse(["restore", "a.jpg", *words]).settings
        expected = Settings(**{field.name: value}, **dict.fromkeys(more, True))
        assert parsed == expected and getattr(parsed, field.name) == value


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strength": 2}, "strength of 0 to 1, got 2"),
        ({"strength": float("nan")}, "strength of 0 to 1, got nan"),
        ({"depth": 12}, "depth of 8 or 16, got 12"),
        ({"max_memory": 0.1}, "max_memory of 1.2 to 4096, got 0.1"),
        ({"preset": "huge"}, "there is no 'huge'"),
        ({"consistency": "no"}, "consistency of auto, always or never, got 'no'"),
        (
            {"format": "gif"},
            "format of png, webp, tiff, jpeg, avif, jxl or same, got 'gif'",
        ),
        ({"suffix": "a/b"}, "suffix without /, got 'a/b'"),
        ({"force": True}, "backup and force are for in_place"),
        ({"in_place": True, "backup": ".jpg"}, "unlike a picture's, got '.jpg'"),
        ({"in_place": True, "backup": ""}, "unlike a picture's, got ''"),
        ({"page": 0}, "page of 1 to 1000000, got 0"),
        ({"crop": "40x30"}, r"crop WxH\+X\+Y, as 400x300\+0\+80, got '40x30'"),
        ({"crop": "0x30+0+0"}, "Expected a crop"),
        ({"crop": "8x8+0+0", "in_place": True}, "crop is for a file of its own"),
        ({"quality": 0}, "quality of 1 to 100, got 0"),
        ({"in_place": True, "format": "png"}, "in_place keeps the format"),
        ({"in_place": True, "strength": 0}, "strength of 0 changes nothing"),
    ],
)
def test_contradictory_settings_are_rejected(settings, message):
    with pytest.raises(ValueError, match=message):
        Settings(**settings)


def test_weights_must_exist():
    with pytest.raises(FileNotFoundError, match="missing.h5: there is no such file"):
        Settings(weights="missing.h5")


def test_a_network_is_called_by_its_name_wherever_its_folder_is():
    folder = find_preset("compact").path
    assert Settings(preset=folder).network == Settings(preset="compact").network
    named = Settings(preset=folder, weights=__file__).network
    assert named == "preset compact, weights settings_test.py"


@pytest.mark.parametrize(("alias", "format"), [("jpg", "jpeg"), ("tif", "tiff")])
def test_formats_go_by_their_suffixes_too(alias, format):
    assert Settings(format=alias).format == format
