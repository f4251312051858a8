"""A third party's plugin is found through its entry point, and its components are like any other."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from cases import GENERATORS, planned, recipe_data

from ganforge import plugins

STUB = next(folder for folder in Path(__file__).parents if folder.name == "tests") / "plugin_stub"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The metadata that installing the stub writes, made from its pyproject.toml."""
    project = tomllib.loads((STUB / "pyproject.toml").read_text())["project"]
    info = tmp_path / "ganforge_stub-0.0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    entries = project["entry-points"]["ganforge"]
    (info / "entry_points.txt").write_text(
        "[ganforge]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
    )
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("installed")
def test_an_installed_plugin_is_found_with_its_distribution() -> None:
    components = plugins.load()
    found = {
        (family, name, str(origin))
        for family in components.registries
        for name, _, origin in components[family]
        if origin.plugin == "stub"
    }
    assert found == {
        ("block", "stub_gate", "ganforge-stub 0.0.1"),
        ("dataset", "stub_stripes", "ganforge-stub 0.0.1"),
        ("depth", "stub_middle", "ganforge-stub 0.0.1"),
        ("evaluator", "stub_brightness", "ganforge-stub 0.0.1"),
        ("extractor", "stub_colours", "ganforge-stub 0.0.1"),
        ("tracker", "stub_notes", "ganforge-stub 0.0.1"),
        ("feature_network", "stub_edges", "ganforge-stub 0.0.1"),
        ("source", "stub_ones", "ganforge-stub 0.0.1"),
    }
    assert components.broken == []


@pytest.mark.usefixtures("installed")
def test_a_blocked_plugin_stays_out() -> None:
    assert "stub_gate" not in plugins.load(blocked=["stub"])["block"]


def test_a_recipe_can_be_made_of_a_plugins_components() -> None:
    data = recipe_data(discriminator="third_party")
    data["generator"]["blocks"] = {
        **{key: GENERATORS["gp_gan"]["blocks"][key] for key in ("fc", "up_0")},
        "gate_0": {"kind": "stub_gate", "channels": 3},
        "conv_img": {"kind": "image_head"},
    }
    data["generator"]["adafm"] = ["gate_*"]
    data["generator"]["label"] = [{"where": {"kind": "stub_middle"}, "how": {"kind": "concatenate_map"}}]
    data["evaluation"] = {"evaluators": [{"kind": "stub_brightness"}]}
    plan = planned(data)
    assert [label.name for label in plan.generator.labels] == ["label_gate_0_concatenate_map"]
    assert [name for name in plan.generator.sizes if name.startswith("gate_0.")] == [
        "gate_0.conv_0.weight",
        "gate_0.conv_0.bias",
        "gate_0.adafm_0.gamma",
        "gate_0.adafm_0.beta",
        "gate_0.extra_0.weight",
    ]
