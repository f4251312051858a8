"""What the command line asks about weights: which sources there are, what the cache holds, what a card says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from ganforge.errors import CheckpointError, DownloadError, GanforgeError, UsageError
from ganforge.files import expect_file, is_file, is_folder
from ganforge.interfaces import SourceSpec
from ganforge.registry import Components
from ganforge.weights.address import check_url, digest_in, is_url
from ganforge.weights.converted import converted_folders
from ganforge.weights.folder import CARD, load_folder, read_card, save_folder
from ganforge.weights.pretrained import Provenance, StoreContext
from ganforge.weights.store import damage_of, fetch_file, stored_files

T = TypeVar("T")

State = Literal["cached", "not cached", "installed", "missing", "needs fields"]


@dataclass(frozen=True)
class KnownSource:
    """A source that is registered.

    installed: it downloads nothing; missing: it downloads nothing, and what it reads is not there; needs fields: a
    recipe must say where it is.
    """

    kind: str
    state: State
    #: Address of what it downloads, the fields that it needs, or what is missing.
    detail: str


def known_sources(components: Components, cache: Path) -> list[KnownSource]:
    """All sources, by name. Nothing is fetched or hashed."""
    rows = []
    for kind, spec_class, _ in components["source"]:
        spec = _with_defaults(spec_class)
        if spec is None:
            rows.append(KnownSource(kind, "needs fields", _places(spec_class)))
        elif (file := spec.published()) is None:
            rows.append(_on_this_machine(kind, spec))
        else:
            rows.append(KnownSource(kind, "cached" if spec.cached(cache) else "not cached", file.url))
    return rows


def _on_this_machine(kind: str, spec: SourceSpec) -> KnownSource:
    try:
        spec.preflight()
    except GanforgeError as error:
        return KnownSource(kind, "missing", str(error))
    return KnownSource(kind, "installed", "")


def source_named(kind: str, components: Components) -> SourceSpec:
    """The source of that kind with its defaults. Raises UsageError for one that is unknown or needs fields."""
    spec_class = components["source"].get(kind)
    if spec_class is None:
        raise UsageError(components["source"].explain_missing(kind))
    spec = _with_defaults(spec_class)
    if spec is None:
        raise UsageError(f"'{kind}' is no file of its own: a recipe says where it is ({_places(spec_class)}).")
    return spec


def fetch(what: str, sha256: str | None, components: Components, context: StoreContext) -> Path:
    """Where the cache holds what was fetched. what: a kind of source, or an address. Raises GanforgeError."""
    if is_url(what):
        check_url(what)
        digest = sha256 or digest_in(what)
        if digest is None:
            raise UsageError(
                f"{what} needs --sha256, the file's digest or its first 8 digits, to tell that it came whole."
            )
        return _by_hand(lambda: fetch_file(what, digest, context))
    spec = source_named(what, components)
    if sha256 is not None:
        raise UsageError(f"--sha256 is for addresses; '{what}' has a sha256 of its own.")
    if spec.published() is None:
        spec.preflight()  # says what is missing
        raise UsageError(f"'{what}' downloads nothing: what it reads is on this machine already.")
    _by_hand(lambda: spec.fetch(context))
    place = spec.cached(context.cache)
    if place is None:
        raise CheckpointError(f"'{what}' was fetched, but says that the cache doesn't hold it: its `cached` is wrong.")
    return place


def _by_hand(get: Callable[[], T]) -> T:
    """What `get` gives. Raises its errors, with advice for a command that has no field for a file."""
    try:
        return get()
    except DownloadError as error:
        if not error.advice:
            raise
        advice = "Download it by hand; a recipe then takes the file with source.path=FILE."
        raise DownloadError(error.reason, advice) from error


def verify(cache: Path) -> list[tuple[Path, str]]:
    """Each downloaded file and each converted folder in the cache, with what is wrong with it, or nothing."""
    found = [(file, damage_of(file, wanted)) for file, wanted in stored_files(cache)]
    for folder in converted_folders(cache):
        try:
            load_folder(folder)
            found.append((folder, ""))
        except CheckpointError as error:
            found.append((folder, str(error)))
    return found


def convert(
    file: Path, out: Path, kind: str, components: Components, context: StoreContext, licence: str | None = None
) -> Provenance:
    """Write the weights in `file`, read as that kind of source, to a folder that `weights_folder` reads.

    licence: for its card; None: that of the published files of that kind.
    """
    spec_class = components["source"].get(kind)
    if spec_class is None:
        raise UsageError(components["source"].explain_missing(kind))
    if not _is_free(out):
        raise UsageError(f"{out} is there already. Name a new folder.")
    if "path" not in spec_class.model_fields:
        kinds = ", ".join(name for name, each, _ in components["source"] if "path" in each.model_fields)
        raise UsageError(f"'{kind}' reads no file that could be named. Kinds that do: {kinds}.")
    if licence is not None and "licence" not in spec_class.model_fields:
        raise UsageError(f"'{kind}' takes the licence from what it reads: leave --licence out.")
    try:
        given = {} if licence is None else {"licence": licence}
        spec = spec_class.model_validate({"kind": kind, "path": file, **given})
    except ValidationError as error:
        lacking = [str(item["loc"][-1]) for item in error.errors() if item["type"] == "missing"]
        reason = f"a recipe gives it {', '.join(lacking)} too" if lacking else error.errors()[0]["msg"]
        raise UsageError(f"'{kind}' can't be made from a file alone: {reason}.") from error
    if not is_folder(file):
        expect_file(file, f"there is no file {file}.", CheckpointError)
    try:
        weights = spec.fetch(context)
    except CheckpointError as error:
        if not is_folder(file) or not error.advice:
            raise
        raise CheckpointError(error.reason, "Name the file in place of the folder.") from error
    save_folder(out, weights)
    return weights.provenance


def card(what: str, components: Components, cache: Path) -> dict[str, Any]:
    """The card of a weights folder, or of a kind of source; of one that isn't cached, what is published of it."""
    if is_file(Path(what) / CARD):
        return read_card(Path(what))
    if what not in components["source"] and (is_folder(Path(what)) or is_file(Path(what))):
        expect_file(Path(what) / CARD, f"{what} is no weights folder: it has no {CARD}.", UsageError)
    spec = source_named(what, components)
    place = spec.cached(cache)
    if place is not None and place.is_dir():
        return read_card(place)
    file = spec.published()
    if file is None:
        return spec.fetch(StoreContext(cache)).provenance.as_dict()
    return {
        "name": what,
        "origin": file.url,
        "origin_sha256": file.sha256,
        "licence": str(getattr(spec, "licence", "")),
    }


def _is_free(out: Path) -> bool:
    """Whether a folder can be made at `out`, as far as can be seen: an empty one may stand there, no link to one."""
    try:
        return not out.is_symlink() and (not out.exists() or (out.is_dir() and not any(out.iterdir())))
    except OSError:  # writing says what is wrong
        return True


def _with_defaults(spec_class: type[SourceSpec]) -> SourceSpec | None:
    try:
        return spec_class.model_validate({"kind": spec_class.kind_name()})
    except ValidationError:
        return None


def _places(spec_class: type[SourceSpec]) -> str:
    """Fields that say where the weights are: those without a default, or `path` and `url`."""
    required = [name for name, field in spec_class.model_fields.items() if field.is_required()]
    return ", ".join(required) or ("path, or url with sha256" if "url" in spec_class.model_fields else "path")
