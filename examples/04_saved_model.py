"""Save a model as one file, look into it, and predict with it in another process."""

import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pandas as pd

import automl

source = Path(__file__).parents[1] / "datasets" / "earthquakes.parquet"
quakes = pd.read_parquet(source)

X, y = quakes.drop(columns="magnitude"), quakes["magnitude"]
families = ["extra_trees", "linear"]
model = automl.AutoModel(families=families, time_budget=None, max_trials=2, random_state=0).fit(
    X, y
)

with tempfile.TemporaryDirectory() as folder:
    path = model.save(Path(folder) / "quakes.automl")

    # The file is a zip of native formats; nothing in it is run when it is loaded.
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    print("format", manifest["format"], "with", manifest["versions"])
    print("metric", manifest["metric"]["name"], "score", round(manifest["score"], 3))
    for member in manifest["members"]:
        print(f"{member['weight']:.2f} {member['name']}: {len(member['models'])} models")

    loaded = automl.load(path)
    same = (loaded.predict(X) == model.predict(X)).all()
    print("the loaded model predicts the same:", bool(same))

    command = [sys.executable, "-m", "automl", "evaluate", path, source]
    print(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
