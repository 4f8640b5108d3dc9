"""What workers import before they are forked, beside the families' libraries."""

JOB_MODULES = ("automl.search._score", "automl.search._encode", "automl.ensemble._jobs")
"""Where the functions are that a run hands to its workers."""
