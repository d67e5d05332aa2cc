"""Folders that nobody prepared, in the formats that people have."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

from edgekit import bring
from edgekit.bring.plan import Plan


def sines(seed: int, n: int, rate: float, hertz: float, channels: int = 3) -> np.ndarray:
    """(n, channels): a movement of so many turns a second, gravity on the last channel."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / rate
    x = np.stack([np.sin(2 * np.pi * hertz * t + k) for k in range(channels)], axis=1)
    x = rng.uniform(0.4, 0.6) * x + 0.05 * rng.normal(size=x.shape)
    x[:, -1] += 1
    return x


def german_csv(path: Path, x: np.ndarray, rate: float) -> None:
    """Semicolons, decimal commas, a header with units, milliseconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = ["Zeit [ms]", *(f"a{'xyz'[c]} [g]" for c in range(x.shape[1]))]
    rows = [[f"{1000 * i / rate:.0f}", *(f"{v:.4f}" for v in r)] for i, r in enumerate(x)]
    text = "\r\n".join(";".join(row) for row in [names, *rows]).replace(".", ",")
    path.write_bytes(text.encode("cp1252"))


def wav(
    path: Path, x: np.ndarray, rate: int, bits: int = 16, kind: int = 1, tail: bytes = b""
) -> None:
    """`x` (n,) or (n, channels) in -1 … 1; kind 1 is PCM, 3 float."""
    path.parent.mkdir(parents=True, exist_ok=True)
    x = x[:, None] if x.ndim == 1 else x
    if kind == 3:
        body = x.astype(f"<f{bits // 8}").tobytes()
    elif bits == 8:
        body = (np.clip(np.rint(x * 128), -128, 127) + 128).astype("u1").tobytes()
    else:
        whole = np.clip(np.rint(x * 2.0 ** (bits - 1)), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        body = whole.astype("<i4").view("u1").reshape(-1, 4)[:, : bits // 8].tobytes()
    channels, block = x.shape[1], x.shape[1] * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, rate, rate * block, block, bits)
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(body)) + body
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks + tail)


def acquisition(
    x: np.ndarray, interval_ms: float, names=("accX", "accY", "accZ"), units="m/s2"
) -> dict:
    """Edge Impulse's format."""
    return {
        "protected": {"ver": "v1", "alg": "none", "iat": 1_700_000_000},
        "signature": "0" * 64,
        "payload": {
            "device_name": "ac:87", "device_type": "DISCO", "interval_ms": interval_ms,
            "sensors": [{"name": n, "units": units} for n in names],
            "values": [[round(float(v), 4) for v in r] for r in x],
        },
    }  # fmt: skip


def imu(root: Path, persons: int = 5, seconds: float = 30) -> Path:
    """German CSV, `person3/run.2.csv`: three movements of some persons at 50 Hz."""
    for p in range(persons):
        for k, (label, hertz) in enumerate({"run": 2.9, "walk": 1.8, "rest": 0.1}.items()):
            x = sines(10 * p + k, int(50 * (seconds + p)), 50, hertz)
            german_csv(root / f"person{p + 1}" / f"{label}.{p}.csv", x, 50)
    return root


def machine(root: Path, files: int = 4, seconds: float = 3) -> Path:
    """WAV in class folders, 22,050 Hz; one file is broken."""
    from scipy.signal import lfilter

    for i in range(files):
        rng = np.random.default_rng(i)
        n = int(22_050 * (seconds + 0.3 * i))
        t = np.arange(n) / 22_050
        hum = 0.1 * np.sin(2 * np.pi * 120 * t * rng.uniform(0.97, 1.03))
        noise = 0.02 * rng.normal(size=n)
        hiss = lfilter([1, -0.95], 1, rng.normal(size=n)) * rng.uniform(0.02, 0.04)
        wav(root / "normal" / f"rec{i}.wav", hum + noise, 22_050)
        wav(root / "leak" / f"rec{i}.wav", hum + noise + hiss, 22_050, bits=24)
    (root / "leak" / "cut.wav").write_bytes((root / "leak" / "rec0.wav").read_bytes()[:20_000])
    return root


def slow(root: Path, hours: float = 1.5) -> Path:
    """One CSV a class, ISO time stamps, a sample a second, two sensors of different units."""
    root.mkdir(parents=True, exist_ok=True)
    for k, (label, swing) in enumerate({"ok": 1.0, "fouled": 4.0, "off": 0.05}.items()):
        rng = np.random.default_rng(k)
        n = int(3600 * hours)
        t = np.arange(n)
        temperature = 60 + swing * np.sin(2 * np.pi * t / 25) + 0.1 * rng.normal(size=n)
        pressure = 3 + 0.1 * swing * rng.normal(size=n)
        stamps = np.datetime64("2024-03-01T08:00:00") + t.astype("timedelta64[s]")
        rows = [
            f"{s},{a:.1f},{b:.2f}" for s, a, b in zip(stamps, temperature, pressure, strict=True)
        ]
        text = "\n".join(["time,temperature (°C),pressure (bar)", *rows])
        (root / f"{label}.csv").write_text(text, encoding="utf-8")
    return root


def impulse(root: Path, files: int = 4, seconds: float = 12) -> Path:
    """Edge Impulse JSON, `training/idle.2.json`."""
    (root / "training").mkdir(parents=True)
    for label, hertz in {"idle": 0.2, "wave": 1.5, "snake": 4.0}.items():
        for i in range(files):
            content = acquisition(sines(i, int(62.5 * seconds), 62.5, hertz * (1 + i / 40)), 16)
            (root / "training" / f"{label}.{i}.json").write_text(json.dumps(content))
    return root


def pictures(root: Path, files: int = 12, side: int = 60) -> Path:
    """PNG in class folders: a bright disc somewhere, stripes of some width."""
    from PIL import Image

    y, x = np.mgrid[:side, :side]
    for label in ("disc", "stripes"):
        (root / label).mkdir(parents=True)
        for i in range(files):
            rng = np.random.default_rng([i, label == "disc"])
            cx, cy, r = *rng.uniform(0.35, 0.65, 2), rng.uniform(0.15, 0.3)
            disc = (x / side - cx) ** 2 + (y / side - cy) ** 2 < r**2
            stripes = np.sin(y * rng.uniform(0.6, 1.2) + rng.uniform(0, 6)) > 0
            grey = (
                90 * (disc if label == "disc" else stripes)
                + 80
                + 12 * rng.normal(size=(side, side))
            )
            Image.fromarray(grey.clip(0, 255).astype("u1")).save(root / label / f"img_{i:03}.png")
    return root


def understood(folder: Path, **options) -> Plan:
    """What `edgekit new` makes of a folder that was told no rate."""
    return bring.infer_plan(bring.read(folder), bring.Options(**options), assume=True)


def series(path, n=600, hertz=2.0, channels=2, seed=0, header=True):
    """A table of sines, 50 rows a second, that says no rate."""
    x = sines(seed, n, 50, hertz, channels)
    path.parent.mkdir(parents=True, exist_ok=True)
    head = [",".join(f"c{i}" for i in range(channels))] if header else []
    path.write_text("\n".join([*head, *(",".join(f"{v:.4f}" for v in r) for r in x)]))
