import json

from automl import load


def test_text(run, penguins):
    outcome = run("inspect", penguins, "--target", "species")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("344 rows, 15 columns\ntarget species: multiclass")
    assert "'Anvers' in every row" in outcome.out
    assert "- constant: set aside as constant: 'region', 'stage'." in outcome.out


def test_json(run, penguins):
    found = run("inspect", penguins, "--target", "species", "--json").json
    assert set(found) == {"n_rows", "columns", "target", "warnings"}
    assert set(found["columns"][0]) == {
        "name", "role", "reason", "missing", "distinct", "examples", "spelled",
    }  # fmt: skip
    assert set(found["warnings"][0]) == {"kind", "columns", "message"}
    assert found["target"]["classes"]["Gentoo"] == 124


def test_standard_input_without_a_target(run):
    outcome = run("inspect", "-", "--json", stdin=b"a,b\n1,x\n2,y\n")
    assert [c["name"] for c in outcome.json["columns"]] == ["a", "b"]
    assert outcome.json["target"] is None


def test_a_schema_file_goes_to_fit(run, penguins, tmp_path):
    outcome = run("inspect", penguins, "--schema-out", "roles.toml")
    assert outcome.code == 0, outcome.err
    text = (tmp_path / "roles.toml").read_text()
    assert '"species" = "categorical"' in text  # no target was named: ignored by fit
    changed = text.replace('"island" = "categorical"', '"island" = "drop"')
    changed = changed.replace('"sex" = "categorical"', '"sex" = "identifier"')
    assert changed != text
    (tmp_path / "roles.toml").write_text(changed)
    schema = ("--schema", "roles.toml")
    seen = run("inspect", penguins, *schema, "--types", "sex=categorical", "--json").json
    roles = {c["name"]: c["role"] for c in seen["columns"]}
    assert (roles["island"], roles["sex"]) == ("dropped", "categorical")
    fitted = run(
        "fit", penguins, "--target", "species", *schema, "--drop", "sex", "--families", "linear",
        "--max-trials", "1", "--out", "run", "--json",
    )  # fmt: skip
    assert fitted.code == 0, fitted.err
    schema = load(tmp_path / "run")._predictor.schema
    roles = {column.name: column.role for column in schema.columns}
    assert (roles["island"], roles["sex"]) == ("dropped", "dropped")


def test_errors(run, penguins, tmp_path):
    outcome = run("inspect", penguins, "--target", "specie", "--json")
    assert outcome.code == 2
    assert "did you mean 'species'" in outcome.json["error"]["message"]
    (tmp_path / "roles.toml").write_text('[columns]\nisland = "text?"\n')
    outcome = run("inspect", penguins, "--schema", "roles.toml")
    assert outcome.code == 2
    assert "declares 'island' to be 'text?'" in outcome.error
    (tmp_path / "other.json").write_text(json.dumps({"columns": {"colour": "numeric"}}))
    assert "no column 'colour'" in run("inspect", penguins, "--schema", "other.json").error
