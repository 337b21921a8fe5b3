"""A table as it comes out of a file: numbers, categories, dates, missing values, and boosted trees beside the network.

The table is made here, since nothing shall be downloaded: fares of taxis in a town, by distance, time, weather, company
and payment. What makes a fare is known, so errors can be compared with the least that is possible.

Run it from anywhere: ``python examples/tables.py``. It takes less than a minute, plus compiling once. It needs pandas.
"""

import io
import os
import time

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from sklearn.model_selection import train_test_split

from fastnet import TabularMLPRegressor

PICTURE = "tables.png"
NOISE = 0.8


def make_file(n=6000):
    """A CSV file with one row for each ride, in memory."""
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.uniform(0, 366 * 24 * 60, n).round(), unit="min")
    distance = rng.lognormal(1.2, 0.7, n)
    company = rng.choice(["Adler", "Blitz", "City", "Dachs", "Eil", "Fuchs", "Gondel", "Hansa", "Ilex"], n)
    weather = rng.choice(["sun", "rain", "snow"], n, p=[0.6, 0.3, 0.1])
    hour = start.hour + start.minute / 60
    night = 1 + 0.25 * ((hour < 6) | (hour > 22))
    rush = 1 + 0.2 * np.exp(-((hour - 8) ** 2) / 2) * (start.day_of_week < 5)
    price = dict(zip(sorted(set(company)), [1.7, 2.2, 1.9, 2.0, 2.4, 1.8, 2.6, 2.1, 1.6], strict=True))
    fare = 3.5 + distance * night * rush * np.array([price[name] for name in company])
    fare *= np.where(weather == "snow", 1.2, 1.0)
    frame = pd.DataFrame({
        "start": start, "distance": distance.round(2), "company": company, "weather": weather,
        "card": rng.random(n) < 0.7, "fare": (fare + NOISE * rng.normal(size=n)).round(2),
    })  # fmt: skip
    for name, share in (("weather", 0.1), ("start", 0.01)):
        frame.loc[rng.random(n) < share, name] = None
    return io.StringIO(frame.to_csv(index=False))


def for_trees(X):
    """Trees want dates as numbers, and categories as such."""
    dates = {"hour": X["start"].dt.hour + X["start"].dt.minute / 60, "weekday": X["start"].dt.day_of_week}
    return X.drop(columns="start").assign(**dates).astype({"company": "category", "weather": "category"})


def plot(y, predictions):
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("No picture: matplotlib is not installed (pip install matplotlib).")
        return
    figure = Figure(figsize=(8, 4), layout="constrained")
    for axes, (name, predicted) in zip(
        figure.subplots(1, 2, sharex=True, sharey=True), predictions.items(), strict=True
    ):
        axes.plot(y, predicted - y, ".", ms=3, alpha=0.5)
        axes.axhline(0, color="black", lw=0.8)
        axes.set(title=name, xlabel="fare", xscale="log", ylim=(-8, 8))
    figure.axes[0].set_ylabel("prediction - fare")
    figure.savefig(PICTURE, dpi=150)
    print(f"Picture saved in {os.path.abspath(PICTURE)}")


def main():
    rides = pd.read_csv(make_file(), parse_dates=["start"])
    X, y = rides.drop(columns="fare"), rides["fare"]
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    print(f"{len(rides)} rides; missing: {', '.join(f'{k} {v}' for k, v in X.isna().sum().items() if v)}.")

    TabularMLPRegressor("fast", max_iter=1).fit(X_train, y_train)  # compiles what is not yet compiled
    models = {
        "HistGradientBoosting": (HistGradientBoostingRegressor(random_state=0), for_trees(X_train), for_trees(X_test)),
        "TabularMLP": (TabularMLPRegressor(random_state=0), X_train, X_test),
    }
    predictions = {}
    print(f"{'':22}      RMSE  absolute error  seconds")
    for name, (model, train, test) in models.items():
        begun = time.perf_counter()
        model.fit(train, y_train)
        seconds = time.perf_counter() - begun
        predictions[name] = model.predict(test)
        rmse, absolute = (
            measure(y_test, predictions[name]) for measure in (root_mean_squared_error, mean_absolute_error)
        )
        print(f"{name:22}{rmse:10.2f}{absolute:16.2f}{seconds:9.1f}")
    print(f"The noise in the fares alone has an RMSE of {NOISE:.2f}, and nobody knows what is missing.")

    columns = models["TabularMLP"][0].preprocessor_
    for name, kind in zip(columns.feature_names_in_, columns.kinds_, strict=True):
        made = [out for out in columns.get_feature_names_out() if out.startswith(name)]
        print(f"  {name:10} {kind:9} {', '.join(made)}")
    plot(y_test.to_numpy(), predictions)


if __name__ == "__main__":
    main()
