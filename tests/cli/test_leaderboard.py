def test_text_lists_all_with_the_winner_marked(run, classifier):
    outcome = run("leaderboard", classifier[0])
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["name", "log_loss", "folds", "seconds", "weight"]
    assert lines[1].startswith("* linear-1 ")
    assert lines[-1].startswith("  constant ")


def test_json_names_the_run(run, classifier):
    folder, fitted = classifier
    found = run("leaderboard", folder / "model.automl", "--json").json
    assert (found["run"], found["metric"]) == (str(folder), "log_loss")
    assert found["winner"] == fitted.json["winner"]
    rows = found["leaderboard"]
    assert [row["name"] for row in rows if row["winner"]] == [found["winner"]]
    assert {"constant", "linear-1"} <= {row["name"] for row in rows}


def test_another_folder_is_refused(run, tmp_path):
    outcome = run("leaderboard", tmp_path, "--json")
    assert outcome.code == 3
    assert "not the folder of a finished run" in outcome.json["error"]["message"]
