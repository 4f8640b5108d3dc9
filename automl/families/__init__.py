"""Model families: one file each, and one line each in the table below.

Nothing outside this package names a family. To add one, write its file, add its line, and add
its name to the contract test (``tests/families/test_contract.py``).
"""

BUILT_IN = {
    "constant": "automl.families.constant:Constant",
    "lightgbm": "automl.families.lightgbm:LightGBM",
    "xgboost": "automl.families.xgboost:XGBoost",
    "extra_trees": "automl.families.forest:ExtraTrees",
    "random_forest": "automl.families.forest:RandomForest",
    "linear": "automl.families.linear:Linear",
    "crossed_linear": "automl.families.crossed:CrossedLinear",
    "mlp": "automl.families.mlp:MLP",
    "kernel": "automl.families.kernel:KernelMachine",
}

from automl.families._backends import (  # noqa: E402
    BACKENDS,
    Backend,
    Comparison,
    compare_devices,
    find_backend,
)
from automl.families._base import (  # noqa: E402
    MANY,
    Contributing,
    DeviceError,
    DeviceUse,
    Family,
    FitData,
    Model,
    Movable,
    Params,
    Problem,
    Resources,
    Start,
    to_outputs,
)
from automl.families._check import ContractError, check_family  # noqa: E402
from automl.families._quick import quick_predictions  # noqa: E402
from automl.families._registry import (  # noqa: E402
    ENTRY_POINT_GROUP,
    choose_families,
    family_names,
    get_family,
    named_families,
)
from automl.families._rounds import expected_rounds, faster_rate  # noqa: E402
from automl.families._watch import Watch  # noqa: E402

__all__ = [
    "BACKENDS",
    "BUILT_IN",
    "ENTRY_POINT_GROUP",
    "MANY",
    "Backend",
    "Comparison",
    "ContractError",
    "Contributing",
    "DeviceError",
    "DeviceUse",
    "Family",
    "FitData",
    "Model",
    "Movable",
    "Params",
    "Problem",
    "Resources",
    "Start",
    "Watch",
    "check_family",
    "choose_families",
    "compare_devices",
    "expected_rounds",
    "faster_rate",
    "family_names",
    "find_backend",
    "get_family",
    "named_families",
    "quick_predictions",
    "to_outputs",
]
