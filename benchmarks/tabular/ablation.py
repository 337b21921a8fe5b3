"""A preset of fastnet's network for tables, and the preset without one of its parts at a time."""

from .methods import tabular_method

# What stands in for a part that is left out, by the parameters that the part consists of.
PARTS = {
    "dropout": {"dropout": 0.0},
}


def methods(preset):
    """Methods by name: the preset as it is, and without each of its parts."""
    made = {f"tabular_{preset}": tabular_method(f"TabularMLP, {preset}", {"preset": preset})}
    for part, changes in PARTS.items():
        title = f"{preset} without {part}"
        made[title] = tabular_method(title, {"preset": preset} | changes)
    return made
