"""Best weights that were superseded are deleted, unless a checkpoint that cannot be read may need them."""

import pytest

from tests.modules.curricula import SHORT, run


@pytest.mark.parametrize("broken", [False, True])
def test_a_checkpoint_that_cannot_be_read_keeps_every_file(tiny_folder, playground_folder, tmp_path, broken):
    (tmp_path / "checkpoints").mkdir()
    if broken:
        (tmp_path / "checkpoints" / "broken.ckpt").write_bytes(b"cut off")
    run(tmp_path, tiny_folder, playground_folder, cuts=("step4",), stages=SHORT)
    steps = {path.stem.split("step=")[1] for path in (tmp_path / "handoff").glob("*.safetensors")}
    assert "2" in steps  # the best of the first stage
    assert ("0" in steps) == broken  # the start, which it superseded
