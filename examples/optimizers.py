"""All optimizers on the handwritten digits: learning curves, and what a schedule adds to some of them.

Run it from anywhere: ``python examples/optimizers.py``. It takes well under a minute.
"""

import os

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from fastnet import MLPClassifier
from fastnet.optimizers import (
    SGD,
    Adadelta,
    AdaGrad,
    Adam,
    AdaMax,
    AdamW,
    AMSGrad,
    Lion,
    NAdam,
    RMSProp,
    Rprop,
    ScheduleFreeAdamW,
)
from fastnet.schedules import Cosine, OneCycle

PICTURE = "optimizers.png"
EPOCHS = 40

# name, optimizer, learning rate: a usual one for each, not the best of a search
CONSTANT = [
    ("gradient descent", SGD(momentum=0.0, nesterov=False), 0.1),
    ("momentum", SGD(nesterov=False), 0.03),
    ("averaged momentum", SGD(nesterov=False, averaged=True), 0.3),
    ("Nesterov", SGD(), 0.03),
    ("AdaGrad", AdaGrad(), 0.02),
    ("Adadelta", Adadelta(), 1.0),
    ("RMSProp", RMSProp(), 0.002),
    ("Adam", Adam(), 0.005),
    ("AMSGrad", AMSGrad(), 0.005),
    ("AdaMax", AdaMax(), 0.01),
    ("NAdam", NAdam(), 0.005),
    ("AdamW", AdamW(), 0.005),
    ("Lion", Lion(), 0.001),
    ("Rprop (full batch)", Rprop(), 0.01),
    ("schedule-free AdamW", ScheduleFreeAdamW(), 0.01),
]
# name, optimizer, largest learning rate, schedule, warm-up
SCHEDULED = [
    ("Nesterov, cosine", SGD(), 0.05, Cosine(), 2),
    ("Nesterov, one cycle", SGD(), 0.1, OneCycle(), 0),
    ("AdamW, cosine", AdamW(), 0.01, Cosine(), 2),
    ("AdamW, one cycle", AdamW(), 0.02, OneCycle(), 0),
    ("Lion, cosine", Lion(), 0.003, Cosine(), 2),
]


def train(data, name, optimizer, rate, schedule="constant", warmup=0):
    X_train, X_test, y_train, y_test = data
    net = MLPClassifier(
        (50,),
        solver=optimizer,
        learning_rate_init=rate,
        learning_rate=schedule,
        warmup=warmup,
        batch_size=None if optimizer == Rprop() else 64,
        max_iter=EPOCHS,
        n_iter_no_change=None,  # all epochs are run on purpose
        random_state=0,
    ).fit(X_train, y_train)
    accuracy = net.score(X_test, y_test)
    print(f"  {name:22}{rate:8g}{net.loss_curve_[0]:14.3f}{net.loss_curve_[-1]:14.5f}{accuracy:14.4f}")
    return name, net.loss_curve_, accuracy


def plot(constant, scheduled):
    """A panel for each run: its curve before those of all others."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("No picture: matplotlib is not installed (pip install matplotlib).")
        return
    columns = 5
    runs = [*constant, *scheduled]
    figure = Figure(figsize=(13, 2.3 * -(-len(runs) // columns)), layout="constrained")
    panels = figure.subplots(-(-len(runs) // columns), columns, sharex=True, sharey=True).ravel()
    epochs = range(1, EPOCHS + 1)
    for axes, (name, curve, accuracy) in zip(panels, runs, strict=True):
        for _, other, _ in runs:
            axes.semilogy(epochs, other, color="0.87", linewidth=0.8)
        color = "#0072b2" if (name, curve, accuracy) in constant else "#d55e00"
        axes.semilogy(epochs, curve, color=color, linewidth=2.2)
        axes.set_title(f"{name}: {accuracy:.3f}", fontsize=11)
    figure.supxlabel("epoch")
    figure.supylabel("training loss")
    figure.suptitle("Constant rate (blue) and schedules (orange), with the test accuracy; grey: all the others")
    figure.savefig(PICTURE, dpi=110)
    print(f"Learning curves saved in {os.path.abspath(PICTURE)}")


def main():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    scaler = StandardScaler().fit(X_train)
    data = scaler.transform(X_train), scaler.transform(X_test), y_train, y_test
    print(f"One hidden layer of 50 units, {EPOCHS} epochs.")
    print(f"  {'optimizer':22}{'rate':>8}{'first loss':>14}{'last loss':>14}{'test accuracy':>14}")
    constant = [train(data, *settings) for settings in CONSTANT]
    scheduled = [train(data, *settings) for settings in SCHEDULED]
    plot(constant, scheduled)


if __name__ == "__main__":
    main()
