import sys
import threading
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from ganforge import plugins
from ganforge.errors import PluginError, UsageError

HEAD = """\
from __future__ import annotations
from typing import Literal
from ganforge import hookimpl, interfaces
"""
DEPTH = """
class Depth_{name}(interfaces.DepthSpec):
    kind: Literal["{name}"] = "{name}"
    index: int = 0

    def locate(self, sites):
        return self.index
"""
HOOK = """
@hookimpl
def ganforge_depths():
    return [{classes}]
"""


def source(*names: str) -> str:
    classes = ", ".join(f"Depth_{name}" for name in names)
    return HEAD + "".join(DEPTH.format(name=name) for name in names) + HOOK.format(classes=classes)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes `plugins.load` see only these entry points, each a module with the given source."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(**sources: str) -> None:
        entries = []
        for name, text in sources.items():
            module = f"gf_test_{tmp_path.name}_{name}"
            (tmp_path / f"{module}.py").write_text(text)
            monkeypatch.delitem(sys.modules, module, raising=False)
            entries.append(EntryPoint(name, module, plugins.GROUP))
        monkeypatch.setattr(plugins, "entry_points", lambda group: entries)

    return install


@pytest.fixture
def file(tmp_path: Path, install) -> Callable[[str], Path]:
    install()

    def file(text: str) -> Path:
        path = tmp_path / "mine.py"
        path.write_text(text)
        return path

    return file


def complaint(path: Path) -> str:
    with pytest.raises(PluginError) as caught:
        plugins.load([path])
    return str(caught.value)


def test_the_core_is_a_plugin_too(install):
    install()
    components = plugins.load()
    assert [str(origin) for origin in components.plugins] == [f"ganforge {components.plugins[0].version}".strip()]
    assert len(components["block"]) > 0 and components.broken == []


def test_installed_plugins_bring_their_components(install):
    install(mylab=source("mylab_first", "mylab_last"))
    components = plugins.load()
    assert "mylab_first" in components["depth"] and "mylab_last" in components["depth"]
    assert [origin.plugin for origin in components.plugins] == ["builtin", "mylab"]


def test_a_plugin_that_fails_to_import_is_listed_and_the_others_work(install):
    install(
        bad="import no_such_module_at_all",
        exits="raise SystemExit(3)",
        good=source("good_depth"),
        worse="1 / 0",
    )
    components = plugins.load()
    assert "good_depth" in components["depth"]
    assert [(broken.plugin, broken.reason) for broken in components.broken] == [
        ("bad", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("exits", "SystemExit: 3"),
        ("worse", "ZeroDivisionError: division by zero"),
    ]


def test_a_plugin_that_hangs_at_its_import_is_named(install, monkeypatch):
    told = threading.Event()
    warnings = []

    def warn(text):
        warnings.append(text)
        told.set()

    monkeypatch.setattr(plugins, "PATIENCE", 0.01)
    monkeypatch.setattr(plugins, "told", told, raising=False)
    install(slow=source("late") + "from ganforge import plugins\nassert plugins.told.wait(30)\n")
    components = plugins.load(warn=warn)
    assert [text for text in warnings if "'slow'" in text] == [
        "plugin 'slow' has been importing for 0 s. If it hangs, stop it by Ctrl-C; `--block slow` leaves it out."
    ]
    assert components.broken == [] and "late" in components["depth"]


def test_a_plugin_with_a_taken_name_is_rolled_back_and_both_are_named(install):
    install(a=source("shared"), b=source("b_only", "shared"))
    components = plugins.load()
    assert "b_only" not in components["depth"] and "shared" in components["depth"]
    (broken,) = components.broken
    assert broken.plugin == "b"
    assert broken.reason.startswith("two depths are called 'shared': ")
    assert "_a.py:" in broken.reason and "_b.py:" in broken.reason


def test_a_name_given_twice_by_one_plugin_is_refused(file):
    text = source("mine").replace("[Depth_mine]", "[Depth_mine, Depth_mine]")
    assert complaint(file(text)).startswith("two depths are called 'mine': ")


def test_a_misspelt_hook_is_named(file):
    text = source("mine").replace("ganforge_depths", "ganforge_deptsh")
    message = complaint(file(text))
    assert message.startswith(f"plugin 'mine' ({file(text)}): unknown hook 'ganforge_deptsh' in plugin ")
    assert message.endswith(" Did you mean 'ganforge_depths'?")


def test_a_hook_with_unknown_arguments_is_refused(file):
    message = complaint(file(source("mine").replace("ganforge_depths()", "ganforge_depths(recipe)")))
    assert "ganforge_depths" in message and "recipe" in message


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("Depth_mine", "returned <class 'ganforge_file_mine_"),
        ("[Depth_mine, 'text']", "ganforge_depths returned 'text', which is no subclass of DepthSpec."),
        ("1 / 0", "ganforge_depths raised ZeroDivisionError('division by zero')"),
    ],
)
def test_a_hook_that_returns_something_else_is_refused(file, returned, message):
    text = source("mine").replace("return [Depth_mine]", f"return {returned}")
    assert message in complaint(file(text))


def test_a_hook_that_returns_nothing_adds_nothing(file):
    components = plugins.load([file(source("mine").replace("return [Depth_mine]", "return None"))])
    assert "mine" not in components["depth"]


def test_a_file_is_a_plugin(file):
    path = file(source("mine"))
    components = plugins.load([path])
    spec = components["depth"].get("mine")
    assert spec is not None and spec(index=3).locate(None) == 3
    assert str(components.plugins[-1]) == str(path)


def test_a_file_that_fails_is_an_error(file, tmp_path):
    path = file("1 / 0")
    before = set(sys.modules)
    assert complaint(path) == f"{path} failed to import: ZeroDivisionError: division by zero"
    assert set(sys.modules) == before
    assert complaint(tmp_path / "none.py") == f"there is no plugin file {tmp_path / 'none.py'}."
    text = tmp_path / "plugin.txt"
    text.write_text("")
    assert complaint(text) == f"{text} is no Python file."


def test_a_blocked_plugin_is_not_even_imported(install):
    install(bad="raise RuntimeError", good=source("good_depth"))
    components = plugins.load(blocked=["bad"])
    assert components.broken == [] and "good_depth" in components["depth"]


def test_blocking_a_plugin_that_is_not_there_is_an_error(install):
    install(mylab=source("mine"))
    with pytest.raises(UsageError) as caught:
        plugins.load(blocked=["mylabs"])
    assert str(caught.value) == "there is no plugin 'mylabs' to block. Did you mean 'mylab'? Installed: mylab."
