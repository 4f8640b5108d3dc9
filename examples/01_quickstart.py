"""Find a model, read the honest score, predict new rows."""

from pathlib import Path

import pandas as pd

from automl import AutoModel

days = pd.read_csv(Path(__file__).parents[1] / "datasets" / "weather.csv")
old, new = days.iloc[::2], days.iloc[1::2]
X, X_new = old.drop(columns="weather"), new.drop(columns="weather")

model = AutoModel(time_budget=8, random_state=0)  # seconds; also "10m", "1h"
model.fit(X, old["weather"])

print(model.leaderboard_[["name", "state", "score", "weight"]].to_string(index=False))

low, high = model.score_interval_
print(f"\nwinner: {model.winner_}")
print(f"log loss, cross-validated: {model.score_:.3f}, 95 % interval {low:.3f} to {high:.3f}")
print(f"log loss on new rows:      {-model.score(X_new, new['weather']):.3f}")

shares = pd.DataFrame(model.predict_proba(X_new.head(3)), columns=model.classes_)
print(f"\n{shares.round(3).assign(predicted=model.predict(X_new.head(3))).to_string(index=False)}")
