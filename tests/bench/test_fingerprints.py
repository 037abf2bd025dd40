from itertools import combinations

from bench.copies import reports
from bench.fingerprints import costs, exact_pairs, quality, same_story
from services.core.shingles import jaccard


def test_reports_are_the_same_each_time_and_half_of_the_stories_are_printed_once() -> None:
    told = reports(200, seed=4)
    sizes = [sum(report.story == story for report in told) for story in range(200)]

    assert told == reports(200, seed=4) != reports(200, seed=5)
    assert min(sizes) == 1
    assert 60 < sizes.count(1) < 140


def test_exact_pairs_are_those_of_comparing_all_with_all() -> None:
    texts = [report.text for report in reports(40, seed=4)]
    every = {pair: jaccard(*(texts[number] for number in pair)) for pair in combinations(range(len(texts)), 2)}

    assert exact_pairs(texts, 0.7) == {pair: much for pair, much in every.items() if much >= 0.7}


def test_story_membership_is_scored_by_pairs() -> None:
    score = same_story("aabbb", "aaabb")

    assert (score.found, score.true, score.both) == (4, 4, 2)
    assert (score.precision, score.recall) == (0.5, 0.5)


def test_a_small_run_finds_near_duplicates_and_no_false_story() -> None:
    told = reports(150, seed=4)
    pairs, stories = quality(told)

    assert float(pairs.rows[0][2]) >= 0.97 <= float(pairs.rows[0][3])
    assert [float(row[2]) for row in stories.rows if "truth" in row[0]] == [1] * 4
    assert all(float(microseconds) > 0 for _, microseconds in costs(told[:50]).rows)
