import subprocess
import sys

import pytest

from automl._prepare import preload_names
from automl.cli._early import preload_modules
from automl.families import BUILT_IN

from .conftest import environment


@pytest.mark.parametrize("families", ["auto", *BUILT_IN])
def test_all_that_built_in_families_declare(families):
    assert set(preload_names(families)) <= set(preload_modules())


def test_it_imports_nothing_heavy():
    script = (
        "import sys; from automl.cli._early import preload_modules; preload_modules();"
        "sys.exit(any(m in sys.modules for m in ('numpy', 'pandas', 'sklearn', 'optuna')))"
    )
    subprocess.run([sys.executable, "-c", script], env=environment(), check=True)
