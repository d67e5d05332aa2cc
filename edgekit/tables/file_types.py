"""What a file is, by its name and by its first bytes, and what to do with one that is not read."""

from __future__ import annotations

from pathlib import PurePath

TABLES, WAVES, ARRAYS = (
    (".csv", ".tsv", ".txt", ".dat", ".asc"),
    (".wav", ".wave"),
    (".npy", ".npz"),
)
IMPULSE, LINES, COLUMNS = (".json", ".cbor"), (".jsonl", ".ndjson"), (".parquet",)
MATLAB = (".mat", ".h5", ".hdf5", ".hdf")  # 7.3 is HDF5
SOUNDS = (".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64")
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
KNOWN = (
    *TABLES, *WAVES, *ARRAYS, *MATLAB, *IMPULSE, *LINES, *COLUMNS, *SOUNDS, *PICTURES,
)  # fmt: skip
TEXTS = ("readme", "license", "licence", "requirements", "notes", "info", "package", "metadata")
BESIDE = (
    ".md", ".rst", ".pdf", ".py", ".ipynb", ".m", ".r", ".sh", ".bat", ".toml", ".yaml", ".yml", ".ini",
    ".cfg", ".log", ".labels",
)  # fmt: skip
ADVICE = {
    (".heic", ".heif", ".avif", ".jxl", ".raw", ".cr2", ".nef", ".dng", ".svg"): "save it as PNG or JPEG",
    (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst"): "an archive: unpack it first",
    (".xls", ".xlsx", ".xlsm", ".ods", ".numbers"): "a spreadsheet: save each sheet as CSV",
    (".doc", ".docx", ".odt", ".rtf", ".ppt", ".pptx"): "a document, no recording",
    (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v"): "a film: save its frames as PNG, or its sound as WAV",
    (".m4a", ".aac", ".wma", ".amr", ".3gp"): "save it as WAV or FLAC",
    (".pkl", ".pickle", ".joblib", ".pt", ".pth"): "a pickle can run anything, so it is never opened: "
    "save it as .npz",
    (".nc", ".feather", ".arrow", ".orc", ".avro"): "save it as CSV, NPZ or Parquet",
    (".edf", ".bdf", ".gdf", ".hea", ".xyz", ".tdms", ".mf4", ".blf", ".uff", ".unv", ".sto"):
        "export it as CSV, WAV or MAT",
    (".db", ".sqlite", ".sqlite3", ".duckdb"): "a database: export its tables as CSV",
    (".dvc",): "a pointer of DVC, not the file: dvc pull",
}  # fmt: skip
NO_TABLES = (  # first bytes of what is sometimes called .csv
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook: save the sheet as CSV"),
    (b"PAR1", "is Parquet: call it .parquet"),
    (b"MATLAB 5.0", "is a MATLAB file: call it .mat"),
    (b"SQLite format 3", "is an SQLite database: export the table as CSV"),
    (b"\x93NUMPY", "is a NumPy array: call it .npy"),
    (b"{\\rtf", "is a text of a word processor: save it as plain text"),
    (b'{"', "holds JSON, no table: call it .json, or .jsonl"),
    (b"[{", "holds JSON, no table: call it .json"),
)
SYSTEM = ("thumbs.db", "desktop.ini", ".ds_store")


def unknown(path: PurePath) -> str:
    """Why a file whose kind no reader knows is left out, and what to do."""
    kind = path.suffix.lower()
    advice = next((text for kinds, text in ADVICE.items() if kind in kinds), "")
    said = f"a kind that edgekit does not read ({kind})" if kind else "no suffix that says its kind"
    return f"is of {said}{': ' + advice if advice else ''}" if kind else f"has {said}"


def is_auxiliary(path: PurePath) -> bool:
    """Whether a file is a text beside the data: a licence, a script, a list of requirements."""
    kind, stem = path.suffix.lower(), path.stem.lower()
    return kind in BESIDE or (kind in (".txt", ".json", "") and stem in TEXTS)


def mismatched_type(head: bytes, kind: str) -> str:
    """What a file of this suffix really is, by its first bytes (512 or so); empty: what it says it is."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not head:
        return "is empty"
    if head.startswith(b"version https://git-lfs"):
        return "is a pointer of Git LFS, not the file: git lfs pull"
    if b"/annex/objects/" in head[:200]:
        return "is a pointer of git-annex, not the file: git annex get"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "is a web page, perhaps the error of a download: get it again"
    if text.startswith(b"<?xml") or text.startswith(b"<error"):
        return "is XML, perhaps the error of a download: get it again"
    if head.startswith(b"\0\5\x16\7"):
        return "is what macOS keeps beside a file, not the file"
    if head.startswith(b"%PDF"):
        return f"is a PDF named {kind}"
    if head.startswith(b"PK\3\4") and kind != ".npz":
        return f"is a ZIP archive or a spreadsheet named {kind}: unpack it, or save it as CSV"
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf", b"(\xb5/\xfd")):
        return f"is a compressed file named {kind}: unpack it first"
    if head.startswith(b"\x89HDF") and kind not in MATLAB:
        return f"is an HDF5 file named {kind}"
    if kind in TABLES:
        return next((what for mark, what in NO_TABLES if head.startswith(mark)), "")
    return ""
