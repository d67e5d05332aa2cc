"""Files as programs, controllers and phones export them: `EXPORTS`, more cases for `benchmarks.bring`."""

from __future__ import annotations

import io

import numpy as np

from benchmarks.bring_cases import (
    RATE,
    Case,
    alternating,
    clock,
    iso,
    plain,
    table,
    text_of,
    with_column,
    xyz,
)  # fmt: skip

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 1\n"
PAGE = "<!DOCTYPE html>\n<html><body>404</body></html>\n"
EPOCH_OF_OLE = np.datetime64("1899-12-30T00:00:00.000", "ms")
NAMED = tuple(f"acc ({axis})" for axis in "xyz")
LOGGED = (
    "loggingTime(txt),loggingSample(N),identifierForVendor(txt),locationTimestamp_since1970(s),"
    "accelerometerTimestamp_sinceReboot(s),accelerometerAccelerationX(G),accelerometerAccelerationY(G),"
    "accelerometerAccelerationZ(G),activityTimestamp_sinceReboot(s),deviceOrientationTimeStamp_since1970(s),"
    "label(N)\n"
)


def days(t: np.ndarray) -> np.ndarray:
    """Days since 1899-12-30, as OLE counts them."""
    return (iso(t) - EPOCH_OF_OLE) / np.timedelta64(86_400_000, "ms")


def tags(t: np.ndarray, x: np.ndarray, i: int) -> str:
    """As FactoryTalk exports its log: a row a value, the tag by its number."""
    date, time = text_of(iso(t), "%m/%d/%Y"), text_of(iso(t), "%H:%M:%S")
    ms = np.round(1000 * t).astype(int) % 1000
    rows = [
        f"{date[k]};{time[k]};{ms[k]};{c};{x[k, c]};;{'B' if k == 0 else ''};{3 * k + c}"
        for k in range(len(t))
        for c in range(3)
    ]
    return "\n".join(["Date;Time;Millitm;TagIndex;Value;Status;Marker;Internal", *rows]) + "\n"


def wincc(t: np.ndarray, x: np.ndarray, i: int) -> str:
    stamps, ole = text_of(iso(t), "%d.%m.%Y %H:%M:%S"), days(t) * 1e6
    rows = [
        f'"{name}";"{stamps[k]}";' + f"{x[k, c]};1;{ole[k]:.6f}".replace(".", ",")
        for k in range(len(t))
        for c, name in enumerate("xyz")
    ]
    end = f'"$RT_OFF$";"{stamps[-1]}";0;2;' + f"{ole[-1]:.6f}".replace(".", ",")
    return "\n".join(['"VarName";"TimeString";"VarValue";"Validity";"Time_ms"', *rows, end]) + "\n"


def in_parts(names: str, first: int = 0):
    """A clock of a column a unit."""

    def text(t, x, i):
        made = [text_of(iso(t), f)[:] for f in ("%Y", "%m", "%d", "%H", "%M", "%S")]
        ms = (np.round(1000 * t).astype(int) % 1000).tolist()
        parts = [*([int(v) for v in column] for column in made), ms][first:]
        named = names.split()
        if len(named) < len(parts):  # the seconds with their fraction
            parts = [*parts[:-2], [f"{s + v / 1000:.3f}" for s, v in zip(*parts[-2:], strict=True)]]
        return table({**dict(zip(named, parts, strict=True)), **xyz(x)})

    return text


def phone(t: np.ndarray, x: np.ndarray, i: int) -> str:
    """As SensorLog writes it: many stamps, one of them each row's."""
    late = np.random.default_rng(i).uniform(0, 0.004, len(t))
    stamps = text_of(iso(t + late), "%Y-%m-%d %H:%M:%S.%f")
    rows = [
        f"{stamps[k]} +0100,{k + 1},8A-12,{1.7093e9 + np.floor(v):.6f},{81_234.5 + v:.6f},{a},{b},{c},"
        f"{81_000 + 3 * (k > 90) + 2 * (k > 150):.3f},1709287000.5,0\n"
        for k, (v, (a, b, c)) in enumerate(zip(t, x, strict=True))
    ]
    return LOGGED + "".join(rows)


def shimmer(t: np.ndarray, x: np.ndarray, i: int) -> str:
    rows = [["Shimmer 5E0C"] * 4, ["Timestamp", "Accel X", "Accel Y", "Accel Z"], ["CAL"] * 4]
    rows.append(["mSecs", *["m/(sec^2)*"] * 3])
    rows += [[f"{1000 * v:.3f}", *map(str, r)] for v, r in zip(t, x, strict=True)]
    return "\n".join("\t".join(r) for r in rows) + "\n"


def one_hot(t: np.ndarray, x: np.ndarray, i: int) -> str:
    lines = alternating(t, x, i).splitlines()
    names = lines[0].rsplit(",", 1)[0] + ",class_idle,class_run"
    rows = [line.rsplit(",", 1) for line in lines[1:]]
    return (
        "\n".join([names, *(f"{a},{int(b == 'idle')},{int(b == 'run')}" for a, b in rows)]) + "\n"
    )


def flagged(t: np.ndarray, x: np.ndarray, i: int) -> str:
    text = alternating(t, x, i).replace(",label", ",anomaly")
    return text.replace(",idle", ",0.0").replace(",run", ",1.0")


def two_rates(t: np.ndarray, x: np.ndarray, i: int) -> bytes:
    """Three axes, and another sensor that is five times as fast."""
    file, n = io.BytesIO(), 5 * len(t)
    emg = np.sin(np.arange(n) / 7 + i) + 0.1 * np.random.default_rng(i).normal(size=n)
    np.savez(file, acc=x, emg=emg, fs_acc=RATE, fs_emg=5 * RATE)
    return file.getvalue()


def structures(t: np.ndarray, x: np.ndarray, i: int) -> bytes:
    """An array of structures, six recordings of three persons."""
    from scipy.io import savemat

    trials = np.zeros(6, dtype=[(n, object) for n in ("acc", "activity", "subject")])
    for k in range(6):
        trials[k] = (x[k * 400 : (k + 1) * 400], ("idle", "run")[k % 2], k // 2 + 1)
    file = io.BytesIO()
    savemat(file, {"trials": trials, "fs": float(RATE)})
    return file.getvalue()


TAGS = tuple(f"TagIndex {c}" for c in range(3))
AXES = tuple(f"accelerometerAcceleration{c}" for c in "XYZ")
EXPORTS: dict[str, Case] = {
    # controllers
    "numbered tags in long form": Case(tags, channels=TAGS),
    "numbered tags, the last round cut": Case(
        lambda t, x, i: "\n".join(tags(t, x, i).splitlines()[:-2]), channels=TAGS, exact=False
    ),
    "WinCC's archive": Case(wincc, said="1899-12-30"),
    "an OLE date every ten seconds": clock(
        lambda t: [f"{v:.9f}" for v in days(500 * t)], "Date", rate=0.1
    ),
    # clocks in parts, and stamps of something else
    "year to second": Case(in_parts("year month day hour minute second"), said="one clock"),
    "YY to MS": Case(in_parts("YY MM DD HH MI SS MS")),
    "hour to millisecond": Case(in_parts("Hour Min Sec Millis", 3)),
    "a phone's stamps": Case(phone, channels=AXES, said="is a second clock"),
    # columns of 0 and 1
    "a label in two columns": Case(
        one_hot, one=True, exact=False, groups=6, said="taken for the label"
    ),
    "anomaly, 0.0 and 1.0": Case(flagged, one=True, exact=False, groups=6, classes=("0", "1")),
    "a change point in class folders": with_column(
        "changepoint",
        lambda t, i: [int(k % 90 == 7) for k in range(len(t))],
        said="looks like a label",
    ),
    "a valve": with_column(
        "valve",
        lambda t, i: [int(k // 50 % 2) for k in range(len(t))],
        said="0 and 1 only",
        channels=("x", "y", "z", "valve"),
        exact=False,
    ),
    # units
    "a unit that nobody knows": plain(
        lambda s: s.replace("x,y,z", "x (foo),y (g),z (g)"), said="'foo'"
    ),
    "axes in brackets": plain(lambda s: s.replace("x,y,z", ",".join(NAMED)), channels=NAMED),
    "time in a unit that nobody knows": clock(
        lambda t: np.round(1000 * t).astype(int).tolist(), "Time (foo)", said="not understood"
    ),
    "rows of a device, of CAL and of units": Case(
        shimmer, channels=("Accel X", "Accel Y", "Accel Z")
    ),
    # several sensors, several recordings
    "two rates in one file": Case(
        two_rates,
        rate=5 * RATE,
        channels=("acc_x", "acc_y", "acc_z", "emg"),
        exact=False,
        suffix=".npz",
    ),
    "one of two sensors": Case(
        two_rates,
        channels=("acc_x", "acc_y", "acc_z"),
        suffix=".npz",
        options={"channels": "acc_x,acc_y,acc_z"},
    ),
    "an array of structures": Case(
        structures, one=True, exact=False, channels=("ch1", "ch2", "ch3"), suffix=".mat"
    ),
    # what is no table
    "a pointer of Git LFS": plain(lambda s: LFS, refused="LFS"),
    "a web page": plain(lambda s: PAGE, refused="web page"),
    # options
    "--channels twice the same": plain(options={"channels": "x,x"}, refused="--channels"),
    "--channels of nothing": plain(options={"channels": ","}, refused="--channels"),
    "--window nan": plain(options={"window": float("nan")}, refused="--window"),
    "--window -1": plain(options={"window": -1.0}, refused="--window"),
    "--window 0.001": plain(options={"window": 0.001}, refused="--window"),
    "a label's column that is not there": with_column(
        "Tätigkeit",
        lambda t, i: ["gehen"] * 200 + ["stehen"] * (len(t) - 200),
        options={"label_from": "column:label"},
        refused="Tätigkeit",
    ),
}
