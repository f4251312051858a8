"""Whatever a recipe, a table or a checkpoint holds, it is read or refused by an error for users.

GANFORGE_EXAMPLES=25000 makes 100,000 cases of each.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import pytest
from cases import PROPERTY, components, recipe_data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trainings import trainer

from ganforge.data.table import read_table
from ganforge.errors import GanforgeError
from ganforge.files import sha256_of
from ganforge.planning import plan_recipe
from ganforge.recipe.load import load_recipe
from ganforge.runs.checkpoint import list_checkpoints, load_checkpoint
from ganforge.training.trainer import Trainer

MANY = settings(
    PROPERTY,
    max_examples=4 * PROPERTY.max_examples,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
GOLDEN = Path(__file__).parents[1] / "golden" / "checkpoint_format_1"
RECIPE = """\
name: tiny
resolution: 8
data: {kind: stub_stripes, images: 12}
generator:
  latent_dim: 4
  mapping: {kind: mapping_mlp, depth: 2, width: 3}
  initialisation: {kind: published}
  label: [{where: {kind: latent}, how: {kind: concatenate, dim: 2}}]
  blocks:
    fc: {kind: latent_to_grid, channels: 4, side: 4}
    style_0: {kind: style, channels: 4, upsampling: bilinear}
    conv_img: {kind: image_head}
discriminator:
  initialisation: {kind: published}
  blocks:
    conv_img: {kind: image_stem, channels: 3}
    pool_0: {kind: average_pool}
    fc: {kind: logit_head}
training: {batch: 3, loss: {kind: bce}, sampler: {kind: balanced}, optimizer: {kind: adam}}
stages:
  - name: all
    steps: 4
    generator: [{freeze: "fc.*"}]
    generator_rate: &rate {kind: constant, rate: 1e-3}
    discriminator_rate: *rate
"""
TABLE = 'image,level\r\n10_left,0\r\n10_right,4\r\n"a ""b""",2\r\n'
#: Pieces that parsers stumble over, beside bytes of any kind.
PIECES = [
    *(b"\0 \xff \xef\xbb\xbf \r \n \t , : - { } [ ] & * ! | > % @ ` # ? < ' \" \\".split(b" ")),
    *(b"!!python/object:os.system &a *a <<: null ~ true no 010 1e-4 1e999 .nan .inf -1 0x10 1_000".split(b" ")),
    *(b"99999999999999999999999 ../../x /etc/passwd kind fc.weight __class__ F64 BF16 dtype".split(b" ")),
    b"9" * 5000,
    b"[" * 100,
    "\u2028é😀".encode(),
]
edits = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.one_of(st.sampled_from(PIECES), st.binary(max_size=6))),
    min_size=1,
    max_size=6,
)


def edited(content: bytes, changes: list[tuple[float, int, bytes]]) -> bytes:
    """The content with pieces put in the place of a few bytes each."""
    for place, length, piece in changes:
        at = int(place * len(content))
        content = content[:at] + piece + content[at + length :]
    return content


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@MANY
@given(edits)
def test_any_recipe_is_planned_or_refused(folder: Path, changes: list[tuple[float, int, bytes]]) -> None:
    file = folder / "recipe.yaml"
    file.write_bytes(edited(RECIPE.encode(), changes))
    with contextlib.suppress(GanforgeError):
        plan_recipe(load_recipe(file, (), components()))


def test_the_recipe_that_is_edited_is_a_sound_one(folder: Path) -> None:
    (folder / "sound.yaml").write_text(RECIPE)
    assert plan_recipe(load_recipe(folder / "sound.yaml", (), components())).classes


@MANY
@given(edits)
def test_any_table_is_read_or_refused(folder: Path, changes: list[tuple[float, int, bytes]]) -> None:
    file = folder / "table.csv"
    file.write_bytes(edited(TABLE.encode(), changes))
    with contextlib.suppress(GanforgeError):
        table = read_table(file)
        assert all(set(row.cells) == set(table.columns) for row in table.rows)


def damaged_copy(
    sound: Path, copy: Path, name: str, changes: list[tuple[float, int, bytes]], *, is_signed: bool
) -> Path:
    """A copy of a checkpoint with one file edited; is_signed: its manifest agrees, so that the content is looked at."""
    shutil.copytree(sound, copy, dirs_exist_ok=True)
    (copy / name).write_bytes(edited((sound / name).read_bytes(), changes))
    if is_signed and name != "manifest.json":
        digests = {file.name: sha256_of(file) for file in copy.iterdir() if file.name != "manifest.json"}
        (copy / "manifest.json").write_text(json.dumps(digests))
    return copy


@MANY
@given(st.sampled_from(sorted(path.name for path in GOLDEN.iterdir())), edits, st.booleans())
def test_any_checkpoint_is_loaded_or_refused(
    folder: Path, name: str, changes: list[tuple[float, int, bytes]], is_signed: bool
) -> None:
    copy = damaged_copy(GOLDEN, folder / "checkpoint", name, changes, is_signed=is_signed)
    with contextlib.suppress(GanforgeError):
        load_checkpoint(copy)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """After one step, which is saved."""
    made = trainer(recipe_data(), tmp_path_factory.mktemp("training"))
    made.advance()
    made.save()
    return made


FILES = ("generator", "generator_average", "discriminator", "generator_optimizer", "discriminator_optimizer")


@MANY
@given(st.sampled_from(["state.json", *(f"{stem}.safetensors" for stem in FILES)]), edits)
def test_any_checkpoint_is_continued_or_refused(
    folder: Path, training: Trainer, name: str, changes: list[tuple[float, int, bytes]]
) -> None:
    (sound,) = list_checkpoints(training.run.checkpoints)
    copy = damaged_copy(sound, folder / "continued", name, changes, is_signed=True)
    with contextlib.suppress(GanforgeError):
        training.restore(load_checkpoint(copy))


def test_the_checkpoint_that_is_edited_is_a_sound_one(training: Trainer) -> None:
    (sound,) = list_checkpoints(training.run.checkpoints)
    assert {file.name for file in sound.glob("*.safetensors")} == {f"{stem}.safetensors" for stem in FILES}
    training.restore(load_checkpoint(sound))
    assert training.step == 1
