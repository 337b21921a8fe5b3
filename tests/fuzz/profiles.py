"""How many examples are tried: a few in every run of the tests, many where they are asked for."""

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.database import DirectoryBasedExampleDatabase

_COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True}

# The same examples in every run: a test that fails for one developer fails for all. New ones are for "nightly".
_SAME = {"derandomize": True, "database": None, "phases": [Phase.explicit, Phase.generate, Phase.shrink], **_COMMON}
FAST = settings(max_examples=8, **_SAME)
settings.register_profile("large", max_examples=200, **_SAME)
settings.register_profile(
    "nightly",
    max_examples=50_000,
    derandomize=False,
    database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
    **_COMMON,
)
MANY = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "large"))
