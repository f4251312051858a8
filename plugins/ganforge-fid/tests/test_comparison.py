"""Equal n, and halves without a patient in both."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ganforge_fid.comparison import DRAWS, compare_all, disjoint_halves
from ganforge_fid.distances import frechet_distance, kernel_distance


def of_one(distance, real, groups, fake, seed):
    """`compare_all` for one distance."""
    return compare_all(lambda a, b: {"": distance(a.values, b.values)}, real, groups, fake, seed)[""]


groupings = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=30)


@given(groupings, st.integers(0, 1000))
def test_halves_share_no_group_and_cover_every_image_once(groups, seed):
    first, second = disjoint_halves(groups, np.random.default_rng(seed))
    assert sorted([*first, *second]) == list(range(len(groups)))
    assert not {groups[i] for i in first} & {groups[i] for i in second}
    assert abs(len(first) - len(second)) <= max(map(groups.count, groups))


@given(groupings.filter(lambda groups: len(groups) >= 2), st.integers(2, 30), st.integers(0, 1000))
def test_both_sides_of_every_distance_have_the_same_number_of_images(groups, num_fake, seed):
    sizes = set()

    def distance(real, fake):
        sizes.add((len(real), len(fake)))
        return 0.0

    result = of_one(distance, np.zeros((len(groups), 1)), groups, np.zeros((num_fake, 1)), seed)
    assert sizes == {(result.n, result.n)}
    assert 2 <= result.n <= min(len(groups), num_fake)


def test_the_floor_never_compares_a_patient_with_himself():
    patients = np.repeat(np.arange(8), 3)

    def distance(real, fake):
        shared = set(real[:, 0]) & set(fake[:, 0])
        assert not shared
        return 0.0

    fake = np.full((12, 1), -1.0)
    result = of_one(distance, patients[:, None].astype(float), [str(p) for p in patients], fake, seed=0)
    assert (result.n, result.floor) == (12, 0.0)


def test_one_group_has_no_floor_and_uses_all_images():
    result = of_one(frechet_distance, np.eye(6), ["a"] * 6, np.eye(6)[:5], seed=0)
    assert (result.n, result.floor, result.spread) == (5, None, None)


def test_the_same_set_is_at_or_below_the_floor_and_another_far_above():
    generator = np.random.default_rng(0)
    real, other = generator.normal(size=(80, 6)), generator.normal(2, 1, size=(80, 6))
    groups = [str(i // 2) for i in range(80)]
    for distance in (frechet_distance, kernel_distance):
        same, far = (of_one(distance, real, groups, fake, seed=0) for fake in (real, other))
        assert same.value <= same.floor
        assert far.value > 10 * abs(far.floor) + 5 * far.spread
        assert far.floor == same.floor


def test_value_and_floor_are_means_over_the_draws():
    calls = []

    def distance(real, fake):
        calls.append(float(len(calls)))
        return calls[-1]

    result = of_one(distance, np.zeros((8, 1)), list("abcdefgh"), np.zeros((4, 1)), seed=0)
    assert len(calls) == 2 * DRAWS
    assert (result.value, result.floor) == (np.mean(calls[::2]), np.mean(calls[1::2]))
    assert result.spread == np.std(calls[::2], ddof=1)


def test_several_measures_are_taken_on_the_draws_of_one():
    generator = np.random.default_rng(0)
    real, fake = generator.normal(size=(2, 24, 3))
    groups = [str(i // 2) for i in range(24)]

    def both(real, fake):
        return {
            "frechet": frechet_distance(real.values, fake.values),
            "kernel": kernel_distance(real.values, fake.values),
        }

    assert compare_all(both, real, groups, fake, seed=5) == {
        "frechet": of_one(frechet_distance, real, groups, fake, seed=5),
        "kernel": of_one(kernel_distance, real, groups, fake, seed=5),
    }
    assert compare_all(both, real, ["a"] * 24, fake, seed=5)["kernel"].floor is None


def test_both_eyes_of_a_patient_do_not_lift_the_kernel_distance():
    """A perfect generator of patients whose two images are much alike has value and floor 0 on average."""
    random = np.random.default_rng(0)
    found = []
    for number in range(12):
        patients = np.repeat(random.standard_normal((60, 64)), 2, axis=0)
        real = 0.85 * patients + 0.5 * random.standard_normal((120, 64))
        fake = np.sqrt(0.85**2 + 0.5**2) * random.standard_normal((120, 64))
        groups = [str(i // 2) for i in range(120)]
        measures = {
            "by patient": lambda a, b: {"": kernel_distance(a.values, b.values, a.groups, b.groups)},
            "by image": lambda a, b: {"": kernel_distance(a.values, b.values)},
        }
        found.append([compare_all(measure, real, groups, fake, number)[""] for measure in measures.values()])
    for attribute in ("value", "floor"):
        by_patient, by_image = np.array([[getattr(each, attribute) for each in pair] for pair in found]).T
        error = by_patient.std(ddof=1) / np.sqrt(12)
        assert abs(by_patient.mean()) < 3 * error
        assert by_image.mean() > 10 * error
