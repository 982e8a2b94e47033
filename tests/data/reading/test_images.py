"""Images come out upright, in RGB, and only from where they may: `pytest tests/data/test_pictures.py`."""

import io
import pickle
import warnings
from functools import partial

import pytest
from PIL import Image, ImageDraw

from cogito_pl.data.reading.decoding import upright_rgb
from cogito_pl.data.reading.images import ImageError, ImageReader, looks_like_images


def encoded(image: Image.Image, kind: str = "PNG", **settings) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **settings)
    return stream.getvalue()


def turned(orientation: int, kind: str = "JPEG", size=(40, 20)) -> bytes:
    """An image with a red left half, to be shown as its EXIF orientation says."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(image, kind, exif=exif)


@pytest.fixture
def reader(tmp_path):
    return ImageReader(tmp_path.resolve(), "decode", 50_000_000)


def one(reader, value):
    (picture,) = reader(value, "file row 1", lambda: value)
    return picture


def near(pixel, wanted, tolerance=12):
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, wanted, strict=True))


HALF_RED = Image.new("RGBA", (4, 4), (255, 0, 0, 128))
MODES = {
    "RGB": (Image.new("RGB", (4, 4), (10, 20, 30)), "PNG", (10, 20, 30)),
    "L": (Image.new("L", (4, 4), 77), "PNG", (77, 77, 77)),
    "1": (Image.new("1", (4, 4), 1), "PNG", (255, 255, 255)),
    "LA see-through": (Image.new("LA", (4, 4), (0, 0)), "PNG", (255, 255, 255)),
    "RGBA see-through": (Image.new("RGBA", (4, 4), (0, 0, 0, 0)), "PNG", (255, 255, 255)),
    "RGBA half": (HALF_RED, "PNG", (255, 127, 127)),
    "P": (Image.new("RGB", (4, 4), (200, 0, 0)).convert("P"), "PNG", (200, 0, 0)),
    "I;16": (Image.new("I;16", (4, 4), 128 * 256 + 7), "PNG", (128, 128, 128)),
    "I;16 TIFF": (Image.new("I;16", (4, 4), 65535), "TIFF", (255, 255, 255)),
    "CMYK": (Image.new("CMYK", (4, 4), (0, 255, 255, 0)), "TIFF", (255, 0, 0)),
    "CMYK JPEG": (Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", (255, 0, 0)),
    "YCbCr": (Image.new("RGB", (16, 16), (200, 100, 50)), "JPEG", (200, 100, 50)),
    "WEBP": (Image.new("RGBA", (16, 16), (0, 0, 0, 0)), "WEBP", (255, 255, 255)),
}


@pytest.mark.parametrize("name", MODES)
def test_every_mode_becomes_rgb_over_white(reader, name):
    image, kind, wanted = MODES[name]
    loaded = one(reader, encoded(image, kind)).load()
    assert loaded.mode == "RGB"
    assert near(loaded.getpixel((1, 1)), wanted)


def test_a_palette_with_a_transparent_colour_is_put_over_white(reader):
    image = Image.new("P", (4, 4), 0)
    image.putpalette([0, 0, 0, 0, 0, 255])
    image.putpixel((0, 0), 1)
    loaded = one(reader, encoded(image, transparency=0)).load()
    assert loaded.getpixel((2, 2)) == (255, 255, 255)
    assert loaded.getpixel((0, 0)) == (0, 0, 255)


def test_an_animation_is_its_first_frame(reader):
    frames = [Image.new("RGB", (6, 6), colour) for colour in ("red", "green", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert near(one(reader, data).load().getpixel((3, 3)), (255, 0, 0))


@pytest.mark.parametrize("check", ["decode", "header"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("orientation", "size", "red"),
    [(1, (40, 20), (5, 10)), (3, (40, 20), (35, 10)), (6, (20, 40), (10, 5)), (8, (20, 40), (10, 35))],
)
def test_an_image_is_shown_upright_and_its_size_is_known_beforehand(tmp_path, check, kind, orientation, size, red):
    picture = one(ImageReader(tmp_path.resolve(), check, 10**6), turned(orientation, kind))
    loaded = picture.load()
    assert picture.size == loaded.size == size
    assert near(loaded.getpixel(red), (255, 0, 0), 40)


def test_broken_exif_data_do_not_spoil_a_sound_image(reader):
    data = encoded(Image.new("RGB", (8, 4)), "JPEG", exif=b"Exif\x00\x00this is no TIFF header at all")
    assert one(reader, data).size == (8, 4)


def test_a_truncated_image_is_rejected_when_it_is_decoded(tmp_path):
    image = Image.effect_noise((64, 64), 80)
    for kind in ("PNG", "JPEG"):
        data = encoded(image, kind)[:-200]
        with pytest.raises(ImageError, match="image 1 cannot be decoded"):
            one(ImageReader(tmp_path.resolve(), "decode", 10**6), data)
        assert one(ImageReader(tmp_path.resolve(), "header", 10**6), data).size == (64, 64)


def test_bytes_that_are_no_image_are_rejected_without_addresses_in_the_reason(reader):
    with pytest.raises(ImageError, match=r"image 1 cannot be opened: not one of PNG") as caught:
        one(reader, b"not a picture")
    assert "0x" not in str(caught.value)


def test_postscript_is_never_handed_to_another_program(reader):
    with pytest.raises(ImageError, match="cannot be opened"):
        one(reader, encoded(Image.new("RGB", (8, 8)), "EPS"))


def test_a_decompression_bomb_is_rejected_by_its_header_and_without_a_warning(tmp_path):
    data = encoded(Image.new("1", (12_000, 12_000)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match="12000 x 12000 pixels: more than 50000000"):
            one(ImageReader(tmp_path.resolve(), "decode", 50_000_000), data)
        assert one(ImageReader(tmp_path.resolve(), "header", 10**9), data).size == (12_000, 12_000)


@pytest.mark.parametrize("cell", [None, [], "", {"bytes": None, "path": None}, {"bytes": b"", "path": ""}])
def test_an_empty_cell_has_no_images(reader, cell):
    assert reader(cell, "file row 1") == ()


def test_a_cell_may_hold_bytes_a_path_a_structure_or_a_list_of_them(reader, tmp_path):
    data = encoded(Image.new("RGB", (5, 7)))
    (tmp_path / "a.png").write_bytes(data)
    cells = [data, "a.png", {"bytes": data, "path": "gone.png"}, {"bytes": None, "path": "a.png"}, {"path": "a.png"}]
    for cell in (*cells, cells):
        images = reader(cell, "file row 1", lambda cell=cell: cell)
        assert [p.size for p in images] == [(5, 7)] * (len(cell) if isinstance(cell, list) else 1)
        assert all(p.load().size == (5, 7) for p in images)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([None], "image 1 is empty"),
        (["a.png", {"bytes": None, "path": None}], "image 2 is empty"),
        ("b.png", "image 1 does not exist: '/"),
        (".", "image 1 does not exist"),
        (3, "image 1 is neither bytes nor a path: int"),
        ({"bytes": "iVBORw0KGgo=", "path": None}, "image 1 has its bytes as text"),
        ("x" * 5000 + ".png", "image 1 has no valid path"),
        ("a\0.png", "image 1 has no valid path"),
        ("\ud800.png", "image 1 has no valid path"),
    ],
)
def test_what_is_no_image_is_rejected_with_its_place_and_reason(reader, tmp_path, value, reason):
    (tmp_path / "a.png").write_bytes(encoded(Image.new("RGB", (2, 2))))
    with pytest.raises(ImageError) as caught:
        reader(value, "file row 1", lambda: value)
    assert str(caught.value).startswith(reason)
    assert len(str(caught.value)) < 200


def test_a_path_may_not_leave_the_folder_by_dots_root_or_link(tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    for folder in (inside, outside):
        (folder / "a.png").write_bytes(encoded(Image.new("RGB", (2, 2))))
    (inside / "link.png").symlink_to(outside / "a.png")
    (inside / "linked").symlink_to(outside)
    reader = ImageReader(inside.resolve(), "decode", 10**6)
    for path in ("../outside/a.png", str(outside / "a.png"), "link.png", "linked/a.png", "../inside2/a.png", ".."):
        with pytest.raises(ImageError, match="lies outside of image_root"):
            one(reader, path)
    for path in ("a.png", "./a.png", "../inside/a.png", str(inside / "a.png")):
        assert one(reader, path).size == (2, 2)


def test_an_image_travels_to_another_process(reader, tmp_path):
    data = encoded(Image.new("RGB", (5, 7)))
    (tmp_path / "a.png").write_bytes(data)
    for cell in (data, "a.png"):
        (picture,) = reader(cell, "file row 1", partial(bytes, data))
        assert pickle.loads(pickle.dumps(picture)).load().size == (5, 7)


def test_making_an_image_upright_leaves_the_original_alone():
    image = Image.new("L", (3, 3), 9)
    ImageDraw.Draw(upright_rgb(image)).point((0, 0), "red")
    assert image.getpixel((0, 0)) == 9


def test_images_are_recognised_by_shape_and_by_file_name():
    for value in (b"x", "a/b.PNG", ["a.jpg"], {"bytes": None, "path": "x"}, [{"path": "x"}]):
        assert looks_like_images(value)
    for value in (None, "", "a question", [], ["a", "b"], 3, {"x": 1}, {}):
        assert not looks_like_images(value)
