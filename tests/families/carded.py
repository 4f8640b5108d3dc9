"""Families that say they train on a card, and do there what a file tells them.

There is no card: they train as ever, note when and where, and some do harm. The environment names
the folder of the file, and of the notes.
"""

import json
import os
import time
from pathlib import Path

from automl.families import DeviceError, DeviceUse, Start, _quantised, xgboost
from tests.families.toy import Descent

CHECKED_ROWS = 2000
"""Rows of the table that a family is checked on."""


class Bystander(Descent):
    """Knows nothing of cards."""

    name = "bystander"

    def starts(self, problem):
        return [Start({"rate": rate}, rank=i) for i, rate in enumerate((0.3, 0.2, 0.1))]

    def fit(self, params, data, watch, *, problem, resources):
        folder, begin = Path(os.environ["CARDS"]), time.monotonic()
        harm = json.loads((folder / "harm.json").read_text()).get(self.name, "")
        watch.device = resources.device
        if resources.device != "cpu":
            time.sleep(0.03)
            if len(data.y) != CHECKED_ROWS or harm.startswith("early "):
                self.do(harm.removeprefix("early "), data)
        model = super().fit(params, data, watch, problem=problem, resources=resources)
        line = {"family": self.name, "device": resources.device, "pid": os.getpid()}
        line |= {"begin": begin, "end": time.monotonic(), "n_rows": len(data.y)}
        with (folder / "fits.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        return model

    def do(self, harm, data):
        if harm == "abort":
            os.abort()
        if harm == "raise":
            raise ValueError("CUDA error 700: an illegal memory access was encountered")
        if harm == "elsewhere":
            raise DeviceError("it was asked for 'cuda:0' and trains on 'cpu'")
        if harm == "memory" or (harm == "rows" and len(data.train) > 60):
            raise ValueError("cudaErrorMemoryAllocation: out of memory")


class Sharer(Bystander):
    """Three of these have room on a card."""

    name = "sharer"
    use = DeviceUse(2**30)

    def device_use(self, params, problem, matrix):
        return self.use


class Alone(Sharer):
    """Must have the card for itself."""

    name = "alone"
    use = DeviceUse(2**20, exclusive=True)


class Booster(xgboost.XGBoost):
    """XGBoost as it is, but that it takes small tables for large ones, and the CPU for a card."""

    name = "booster"

    def fit(self, params, data, watch, *, problem, resources):
        if resources.device == "cpu":
            return super().fit(params, data, watch, problem=problem, resources=resources)
        given = _quantised.SAMPLE, xgboost._device_of
        _quantised.SAMPLE, xgboost._device_of = 50, lambda booster, wanted: wanted
        try:
            return super().fit(params, data, watch, problem=problem, resources=resources)
        finally:
            _quantised.SAMPLE, xgboost._device_of = given
