"""Opens the files of a source as a table, without using the network.

A source is a folder laid out as on the Hub, with or without a README card, a `save_to_disk` folder, or a single file.
"""

import logging
import os
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from datasets.packaged_modules.imagefolder.imagefolder import ImageFolder
from datasets.packaged_modules.json.json import Json
from datasets.packaged_modules.parquet.parquet import Parquet
from huggingface_hub import DatasetCard

from cogito_pl.data.reading.tables import ArrowTable, JsonTable
from cogito_pl.data.source import Source

_log = logging.getLogger(__name__)
_JSON = (".jsonl", ".json", ".ndjson")
_FORMATS = ("parquet", "json", "arrow", "csv", "imagefolder")  # module names of `datasets`

Table = ArrowTable | JsonTable


def open_table(source: Source) -> Table:
    """The rows of a source.

    Raises:
        FileNotFoundError: The path does not exist.
        ValueError: There is no such subset or split, or the files cannot be read.
    """
    path = Path(source.path)
    if not path.exists():
        raise FileNotFoundError(
            f"source {source.label}: path={path} does not exist in {Path.cwd()}; put the data there or correct `path`"
        )
    saved = path.is_dir() and any((path / name).is_file() for name in ("dataset_dict.json", "state.json"))
    if source.subset is not None and (saved or path.is_file()):
        raise ValueError(f"source {source.label}: {path} has no subsets; leave `subset` out")
    try:
        if saved:
            return _open_saved(source, path)
        return _open_hub_folder(source, path) if path.is_dir() else _open_file(source, path)
    except (pa.ArrowException, OSError, datasets.exceptions.DatasetsError) as error:
        reason = error.__cause__ or error
        raise ValueError(f"source {source.label}: {path} cannot be read: {reason}") from error


def data_folder(source: Source) -> Path:
    """The folder that relative image paths start from, resolved."""
    path = Path(source.path)
    folder = Path(source.image_root) if source.image_root is not None else path if path.is_dir() else path.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"source {source.label}: image_root={folder} is not a folder; correct `image_root`")
    return folder.resolve()


def _open_file(source: Source, path: Path) -> Table:
    if path.suffix in _JSON:
        return JsonTable([(path, str(path))], source.limit)
    if path.suffix == ".parquet":
        return _open_parquet(source, [path], [str(path)], None)
    raise ValueError(f"source {source.label}: path={path} is neither a folder nor a .parquet, .jsonl or .json file")


def _open_saved(source: Source, path: Path) -> Table:
    data = datasets.load_from_disk(str(path))
    name = str(path)
    if isinstance(data, datasets.DatasetDict):
        _require(source, "split", source.split, list(data))
        data, name = data[source.split], f"{path}/{source.split}"
    return ArrowTable(data, [(name, len(data))], source.limit)


def _open_hub_folder(source: Source, path: Path) -> Table:
    _reject_remote_files(source, path)
    folder = str(path.resolve())  # a relative name might be taken for that of a format
    try:
        names = datasets.get_dataset_config_names(folder)
        default = datasets.get_dataset_default_config_name(folder)
    except (FileNotFoundError, datasets.exceptions.DatasetsError) as error:
        raise ValueError(
            f"source {source.label}: {path} holds no parquet, JSON, CSV or Arrow files: {error}"
        ) from error
    if source.subset is not None or default is None:
        _require(source, "subset", source.subset, names)
    builder = datasets.load_dataset_builder(folder, source.subset or default)
    if type(builder).__module__.split(".")[-1] not in _FORMATS:
        raise ValueError(f"source {source.label}: {path} holds no parquet, JSON, CSV or Arrow files")
    _require(source, "split", source.split, list(builder.config.data_files))
    files = [Path(file) for file in builder.config.data_files[source.split]]
    shown = [os.path.join(path, os.path.relpath(file, folder)) for file in files]
    if isinstance(builder, ImageFolder) and not any(file.stem == "metadata" for file in files):
        raise ValueError(
            f"source {source.label}: {path} looks like a folder of images without questions; set `path` to the file "
            "with the questions, or name that file under `configs` in the folder's README.md"
        )
    if isinstance(builder, Json) and all(file.suffix in _JSON for file in files) and builder.config.field is None:
        return JsonTable(list(zip(files, shown, strict=True)), source.limit)
    if isinstance(builder, Parquet):
        table = _open_parquet(source, files, shown, builder.info.features)
    else:
        builder.download_and_prepare(verification_mode="no_checks")
        data = builder.as_dataset(split=source.split)
        table = ArrowTable(data, [(shown[0] if len(shown) == 1 else f"{path}/{source.split}", len(data))], source.limit)
    promised = (builder.info.splits or {}).get(source.split)
    if source.limit is None and promised and promised.num_examples and promised.num_examples != len(table):
        _log.warning("%s has %d rows, but its card says %d", source.label, len(table), promised.num_examples)
    return table


def _open_parquet(
    source: Source, files: list[Path], shown: list[str], features: datasets.Features | None
) -> ArrowTable:
    rows = [pq.read_metadata(file).num_rows for file in files]
    # Not load_dataset, which would report the use of its parquet module over the network.
    data = datasets.Dataset.from_parquet([str(file) for file in files], features=features)
    return ArrowTable(data, list(zip(shown, rows, strict=True)), source.limit)


def _require(source: Source, setting: str, value: str | None, known: list[str]) -> None:
    if value not in known:
        given = f"{setting}={value!r} does not exist" if value else f"`{setting}` is needed"
        raise ValueError(f"source {source.label}: {given}; {source.path} has {', '.join(known)}")


def _reject_remote_files(source: Source, path: Path) -> None:
    """Raises ValueError for a card that points to files on other machines."""
    card = path / "README.md"
    if not card.is_file():
        return
    try:
        configs = DatasetCard.load(card, ignore_metadata_errors=True).data.to_dict().get("configs")
    except (ValueError, TypeError, yaml.YAMLError) as error:
        raise ValueError(f"source {source.label}: the card {card} cannot be read: {error}") from error
    if "://" in str(configs):
        raise ValueError(
            f"source {source.label}: {card} names files on other machines; copy them here and name the copies"
        )
