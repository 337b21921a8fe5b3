"""How many threads the pace of a fit settles on, on simulated machines that Hypothesis thinks of."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from fastnet.engine.pace import RETRY, TOLERANCE, TRIAL_SECONDS, TRIALS, Pace

generated = settings(max_examples=60, deadline=None, derandomize=True, database=None)
FOREVER = 10**12  # chunks
THREADS = st.integers(2, 128)
# Seconds of a chunk: the work, which is shared, and what each thread more adds to a barrier.
MACHINES = st.tuples(st.floats(1e-6, 10.0), st.floats(0.0, 1.0)).map(lambda a: (a[0], a[0] * a[1] ** 6))


def halves(n):
    """All threads, half of them, and so on, rounded up."""
    return [n] + (halves((n + 1) // 2) if n > 1 else [])


class Machine:
    """Where a chunk takes ``work / n + barrier * (n - 1)`` seconds, longer by up to the noise."""

    def __init__(self, most, costs, guess=1.0, noise=()):
        self.costs, self.noise, self.slices = costs, noise, []
        self.choices = halves(most)
        self.pace = Pace(most, True, guess * max(map(self.seconds, self.choices)))

    def seconds(self, n):
        work, barrier = self.costs
        return work / n + barrier * (n - 1)

    def run(self, n_slices):
        """Threads and seconds of so many slices more."""
        for _ in range(n_slices):
            chunks = self.pace.next_slice(FOREVER)
            n = self.pace.n_threads
            took = chunks * self.seconds(n)
            factor = 1 + self.noise[len(self.slices) % len(self.noise)] if self.noise else 1
            self.pace.took(chunks, took * factor)
            self.slices.append((n, took))
        return self.slices[-n_slices:]

    def best(self):
        return min(map(self.seconds, self.choices))


@generated
@given(THREADS, MACHINES, st.floats(1.0, 10.0), st.lists(st.floats(0.0, 0.04), max_size=9))
def test_the_fastest_number_is_found_in_few_short_slices(most, costs, guess, noise):
    machine = Machine(most, costs, guess, noise)
    search = machine.run(TRIALS * len(machine.choices))
    for n, seconds in search[:TRIALS]:  # all that follow may be of the number that was chosen
        assert seconds <= max(TRIAL_SECONDS, machine.seconds(n)) * 1.001
    chosen = [n for n, _ in machine.run(RETRY - 1)]
    wrong = [n for n in chosen if machine.seconds(n) > 1.041 * machine.best()]
    # One is tried again by then; should noise make it the fastest, its neighbours and those of the one before are, too.
    assert len(wrong) <= (1 + 2 * TRIALS if noise else 1)
    assert {n for n, _ in machine.slices} <= set(machine.choices)


@generated
@given(THREADS, MACHINES, st.floats(1.0, 10.0))
def test_a_long_chunk_never_runs_in_far_too_few_threads(most, costs, guess):
    machine = Machine(most, costs, guess)
    tried = list(dict.fromkeys(n for n, _ in machine.run(4 * RETRY)))
    if guess * max(map(machine.seconds, machine.choices)) <= TRIAL_SECONDS:
        assert tried[:2] == [most, 1]
        return
    assert tried == machine.choices[: len(tried)]  # from all threads down, one after the other
    for number, n in enumerate(tried[2:], 2):
        before = tried[:number]
        assert machine.seconds(before[-1]) <= 1.001 * TOLERANCE * min(map(machine.seconds, before)), n


@generated
@given(THREADS, MACHINES, MACHINES)
def test_another_number_is_found_when_the_machine_has_changed(most, before, after):
    machine = Machine(most, before)
    machine.run(TRIALS * len(machine.choices) + RETRY // 2)
    machine.costs = after
    machine.run(2 * RETRY + 3 * TRIALS * len(machine.choices))
    chosen = [machine.seconds(n) for n, _ in machine.run(RETRY // 2)]
    assert sum(seconds > 1.001 * machine.best() for seconds in chosen) <= 1  # which is tried again


def test_later_trials_take_a_small_part_of_the_time():
    machine = Machine(64, (1e-4, 1e-6))
    machine.run(TRIALS * len(machine.choices))
    later = machine.run(20 * RETRY)
    best = min(machine.choices, key=machine.seconds)
    trials = [seconds for n, seconds in later if n != best]
    assert len(trials) == 20 and max(trials) <= TRIAL_SECONDS
    assert {n for n, _ in later} == {n for n in machine.choices if best / 2 <= n <= 2 * best}
    assert sum(trials) < 0.01 * math.fsum(seconds for _, seconds in later)
