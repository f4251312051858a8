"""The trackers, each by its real library where that is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import ganforge_stub
import pytest
import torch
from cases import recipe_data
from pydantic import ValidationError
from runs import recipe_file

import ganforge_trackers
from ganforge import builtin, execute, plugins
from ganforge.errors import UsageError
from ganforge.listener import Listener
from ganforge.recipe.load import load_recipe
from ganforge.registry import Components, Origin
from ganforge.testing import check_tracker
from ganforge_trackers.mlflow_tracker import allowed
from ganforge_trackers.specs import TRACKERS, MLflow, Trackio, WandB

CPU = torch.device("cpu")


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        find_spec(name) is None, reason=f"{name} is not installed: pip install 'ganforge-trackers[{name}]'"
    )


class Stop(Listener):
    """Stops the run behind step 3, before its checkpoint; keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def step(self, report: Any) -> None:
        if report.step == 3:
            raise KeyboardInterrupt


class Warned(Stop):
    """Does not stop."""

    def step(self, report: Any) -> None: ...


@pytest.fixture(scope="module")
def with_trackers() -> Components:
    found = Components()
    plugins.register(found, builtin, Origin("builtin", "ganforge", "0"))
    plugins.register(found, ganforge_stub, Origin("stub", "ganforge-stub", "0.0.1"))
    plugins.register(found, ganforge_trackers, Origin("trackers", "ganforge-trackers", "0.1.0"))
    return found


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written to the home of whoever runs the tests, and nothing is sent."""
    for name in ("TRACKIO_DIR", "WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    for name in ("MLFLOW_TRACKING_URI", "WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def stopped_and_resumed(folder: Path, kind: str, with_trackers: Components) -> Path:
    output = {**recipe_data()["output"], "trackers": [{"kind": kind}]}
    recipe = load_recipe(recipe_file(folder, output=output), (), with_trackers)
    told = Stop()
    with pytest.raises(KeyboardInterrupt):
        execute.run(recipe, told, CPU)
    path = folder / "runs" / "00000-tiny"
    again = Warned()
    execute.resume(path, with_trackers, again, CPU)
    assert told.warnings + again.warnings == []
    return path


def test_naming_the_trackers_imports_none_of_their_packages() -> None:
    code = "import sys, ganforge_trackers; print({'mlflow', 'wandb', 'trackio', 'torch'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


@pytest.mark.parametrize("spec", TRACKERS)
def test_a_missing_package_is_named_with_its_extra(spec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganforge.errors.find_spec", lambda name: None)
    kind = spec.kind_name()
    with pytest.raises(UsageError) as caught:
        spec().preflight()
    assert str(caught.value) == f"tracker '{kind}' needs {kind}: pip install 'ganforge-trackers[{kind}]'."


@pytest.mark.parametrize(
    "fields", [{"server": "/data/mlruns"}, {"server": "https://me:secret@host"}, {"experiment": ""}]
)
def test_an_mlflow_server_is_an_address_without_a_password(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        MLflow(**fields)


def test_offline_is_the_default() -> None:
    assert MLflow().server is None and WandB().mode == "offline"


def test_names_hold_what_mlflow_allows() -> None:
    assert allowed("scores/kd[lite0@1a]/0 no DR é") == "scores/kd_lite0_1a_/0 no DR _"


@needs("mlflow")
def test_mlflow_is_a_tracker(tmp_path: Path) -> None:
    check_tracker(MLflow(), tmp_path)


@needs("wandb")
def test_wandb_is_a_tracker(tmp_path: Path) -> None:
    check_tracker(WandB(), tmp_path)


@needs("trackio")
def test_trackio_is_a_tracker(tmp_path: Path) -> None:
    check_tracker(Trackio(), tmp_path)


@needs("mlflow")
def test_mlflow_has_each_row_once_after_a_resume(tmp_path: Path, with_trackers: Components) -> None:
    from mlflow import MlflowClient

    path = stopped_and_resumed(tmp_path / "smith_john", "mlflow", with_trackers)
    client = MlflowClient((path.parent / "mlruns").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("ganforge").experiment_id])
    history = client.get_metric_history(run.info.run_id, "loss_generator")
    assert [each.step for each in history] == [1, 2, 3, 4]
    assert run.info.status == "FINISHED" and run.info.run_name == "00000-tiny"
    assert run.data.tags["phantom"].startswith("PHANTOM")
    assert run.data.metrics["scores/brightness"] == json.loads((path / "scores.json").read_text())[0]["value"]
    assert run.data.params["training.batch"] == "3" and "output.folder" not in run.data.params
    assert "smith_john" not in json.dumps([run.data.params, run.data.tags, run.info.user_id])
    assert len(client.list_artifacts(run.info.run_id, "samples")) == 3


@needs("wandb")
def test_wandb_writes_one_id_and_no_path(tmp_path: Path, with_trackers: Components) -> None:
    path = stopped_and_resumed(tmp_path / "smith_john", "wandb", with_trackers)
    found = sorted((path / "trackers" / "wandb").rglob("*.wandb"))
    number = (path / "trackers" / "wandb" / "run_id").read_text()
    assert len(found) == 2 and all(file.name == f"run-{number}.wandb" for file in found)
    content = b"".join(file.read_bytes() for file in found)
    assert b"metrics/loss_generator" in content and b"PHANTOM" in content
    assert b"smith_john" not in content and str(Path.home()).encode() + b"/" not in content


@needs("trackio")
def test_trackio_has_each_row_once_after_a_resume(tmp_path: Path, with_trackers: Components) -> None:
    from trackio.sqlite_storage import SQLiteStorage

    stopped_and_resumed(tmp_path / "smith_john", "trackio", with_trackers)
    rows = SQLiteStorage.get_logs("ganforge", "00000-tiny")
    assert [row["step"] for row in rows if "metrics/loss_generator" in row] == [1, 2, 3, 4]
