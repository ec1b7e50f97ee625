"""The model list that ships with the project."""

from data.models import load_model_rows
from data.presets import load_presets


def test_every_row_names_its_source_and_only_providers_there_are() -> None:
    known = {preset.id for preset in load_presets()}
    for row in load_model_rows():
        assert row.source
        assert set(row.providers) <= known


def test_globs_are_in_lower_case_and_stand_only_once() -> None:
    globs = [(glob, *row.providers) for row in load_model_rows() for glob in row.models]
    assert len(globs) == len(set(globs))
    assert all(glob == glob.lower() and "/" not in glob for glob, *_ in globs)


def test_a_largest_budget_belongs_to_models_that_are_given_one() -> None:
    for row in load_model_rows():
        assert row.largest_budget is None or row.thinking_style == "budget"
        assert row.max_output is None or row.max_output >= 4096
