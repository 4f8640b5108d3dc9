"""The way in: reading tables, column roles and types, the schema kept from fit to predict.

`read_table` and `to_frame` give a frame, `Schema` types its columns, `Target` encodes what is
to be predicted. Nothing here knows of models or metrics.
"""

from automl.table._column import Column, Role
from automl.table._fingerprint import fingerprint
from automl.table._frames import to_frame
from automl.table._inspect import ColumnReport, Finding, Inspection, inspect_table
from automl.table._profile import ColumnProfile, Profile, explained, target_scores
from automl.table._reading import read_table
from automl.table._roles_file import read_roles, roles_text
from automl.table._schema import Schema
from automl.table._table import Table
from automl.table._target import Target, infer_task
from automl.table._texts import Texts

__all__ = [
    "Column",
    "ColumnProfile",
    "ColumnReport",
    "Finding",
    "Inspection",
    "Profile",
    "Role",
    "Schema",
    "Table",
    "Target",
    "Texts",
    "explained",
    "fingerprint",
    "infer_task",
    "inspect_table",
    "read_roles",
    "read_table",
    "roles_text",
    "target_scores",
    "to_frame",
]
