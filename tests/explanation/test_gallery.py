"""A gallery shows what it should, and a new drawing finds its like in it, and its place."""

import pytest
import torch
import torch.nn.functional as F

from inkling.explanation.gallery import Gallery
from inkling.recognition.checkpoint import GALLERY
from inkling.training.build_gallery import (
    DIGITS_PER_LABEL,
    LEAST_CONFIDENT,
    MAX_MISREAD,
    choose_digits,
    make_gallery,
    place_on_map,
)


@pytest.fixture(scope="module")
def gallery(unfused, mnist):
    return make_gallery(unfused, mnist.test)


@pytest.fixture(scope="module")
def held_out(unfused, mnist):
    """Features of digits held out, and their labels."""
    with torch.inference_mode():
        return unfused.features(mnist.held_out.ink[:2_000]), mnist.held_out.labels[:2_000]


def two_groups(count=20):
    """Return a gallery of zeros at (0.2, 0.4) and ones at (0.8, 0.6), each almost of one kind."""
    noise = torch.rand(2 * count, 6, generator=torch.Generator().manual_seed(0)) / 10
    labels = torch.arange(2 * count).byte() // count
    features = F.normalize(F.one_hot(labels.long(), 6) + noise).half()
    places = torch.tensor([[0.2, 0.4], [0.8, 0.6]]).half()[labels.long()]
    ink = torch.zeros(2 * count, 28, 28, dtype=torch.uint8)
    return Gallery(ink, labels, labels, torch.ones(2 * count).half(), features, places)


def test_it_is_as_the_file_has_it_and_the_network_reads_it_and_the_same_each_time(
    unfused, mnist, gallery
):
    assert Gallery._fields == tuple(GALLERY)
    assert [tensor.dtype for tensor in gallery] == [kind for kind, _ in GALLERY.values()]
    ink = (gallery.ink.float() / 255).unsqueeze(1)
    with torch.inference_mode():
        confidence, answers = unfused.predict(ink).probabilities.max(dim=1)
        features = F.normalize(unfused.features(ink))
    assert torch.equal(answers, gallery.answers.long())
    torch.testing.assert_close(confidence, gallery.confidence.float(), atol=2e-3, rtol=0)
    torch.testing.assert_close(features, gallery.features.float(), atol=2e-3, rtol=0)
    again = make_gallery(unfused, mnist.test)
    assert all(torch.equal(a, b) for a, b in zip(gallery, again, strict=True))


def test_it_has_digits_of_each_label_and_all_that_are_misread(unfused, mnist, gallery):
    with torch.inference_mode():
        answers = torch.cat([unfused(ink).argmax(dim=1) for ink in mnist.test.ink.split(500)])
    labels = mnist.test.labels
    wrong = labels != answers
    shown = gallery.labels != gallery.answers
    pairs = lambda a, b, some: sorted((10 * a.long() + b.long())[some].tolist())  # noqa: E731
    assert pairs(labels, answers, wrong) == pairs(gallery.labels, gallery.answers, shown)
    assert gallery.labels[~shown].bincount().min() >= DIGITS_PER_LABEL - 1
    assert 400 < len(gallery.labels) < 500


def test_of_a_poor_network_the_surest_mistakes_and_the_least_sure_answers_are_shown():
    labels = torch.arange(5_000) % 10
    answers = torch.where(torch.arange(5_000) < 1_000, (labels + 1) % 10, labels)
    confidence = torch.linspace(0.2, 0.9, 5_000)[torch.randperm(5_000)]
    shown = choose_digits(labels, answers, confidence)
    assert len(shown) == len(shown.unique()) and torch.equal(shown, shown.sort().values)
    wrong, right = torch.arange(1_000), torch.arange(1_000, 5_000)
    surest = wrong[confidence[wrong].argsort()[-MAX_MISREAD:]]
    least_sure = right[confidence[right].argsort()[:LEAST_CONFIDENT]]
    assert torch.isin(torch.cat([surest, least_sure]), shown).all()
    assert len(shown) <= 10 * DIGITS_PER_LABEL + MAX_MISREAD + LEAST_CONFIDENT
    few = torch.tensor([3, 3, 3, 7])  # and labels that are missing
    assert choose_digits(few, few, torch.ones(4)).tolist() == [0, 1, 2, 3]


def test_on_the_map_digits_stand_among_their_own(gallery):
    right = gallery.labels == gallery.answers
    places, labels = gallery.places[right].float(), gallery.labels[right]
    assert places.min() >= 0 and places.max() <= 1
    distances = torch.cdist(places, places).fill_diagonal_(9)
    assert (labels[distances.argmin(dim=1)] == labels).float().mean() > 0.95
    assert distances.amin(dim=1).median() > 0.015  # of the map: they do not hide one another
    for side in places.T:
        assert side.min() < 0.1 and side.max() > 0.9


def test_groups_that_lie_apart_are_laid_out_apart():
    noise = torch.rand(90, 5, generator=torch.Generator().manual_seed(0)) / 5
    groups = torch.arange(90) // 30
    places = place_on_map(F.normalize(F.one_hot(groups, 5) + noise))
    middles = torch.stack([places[groups == k].mean(dim=0) for k in range(3)])
    assert torch.equal(torch.cdist(places, middles).argmin(dim=1), groups)


def test_the_nearest_neighbour_of_a_held_out_digit_shows_the_same_digit(gallery, held_out):
    nearest = torch.stack([gallery.neighbours(features, 1)[0][0] for features in held_out[0]])
    assert (gallery.labels[nearest] == held_out[1]).float().mean() > 0.97


def test_neighbours_come_the_likest_first_and_none_is_liker(gallery, held_out):
    indices, similarities = gallery.neighbours(held_out[0][0], 7)
    assert len(indices) == len(similarities) == 7
    cosines = F.cosine_similarity(gallery.features.float(), held_out[0][:1])
    near = {"atol": 1e-3, "rtol": 0}
    torch.testing.assert_close(similarities, cosines.sort(descending=True).values[:7], **near)
    torch.testing.assert_close(similarities, cosines[indices], **near)
    assert torch.equal(similarities, similarities.sort(descending=True).values)
    assert torch.equal(gallery.neighbours(3 * held_out[0][0], 7)[0], indices)


def test_the_nearest_of_a_label_has_it_and_no_other_of_it_is_liker(gallery, held_out):
    similarities = gallery.similarities(held_out[0][3])
    for digit in range(10):
        own = torch.where(gallery.labels == digit, similarities, -torch.inf)
        nearest = torch.from_numpy(gallery.nearest(held_out[0][3], digit))
        assert torch.equal(nearest, gallery.ink[own.argmax()] / 255)


def test_a_digit_of_the_gallery_stands_at_its_place_and_others_among_their_own(gallery, held_out):
    places = torch.tensor([gallery.place(features) for features in gallery.features])
    assert (places - gallery.places.float()).norm(dim=1).max() < 0.01
    places = torch.tensor([gallery.place(features) for features in held_out[0]])
    middles = [gallery.places[gallery.labels == k].float().median(dim=0).values for k in range(10)]
    own = torch.cdist(places, torch.stack(middles)).argmin(dim=1) == held_out[1]
    assert own.float().mean() > 0.97


def test_what_is_like_two_groups_stands_between_them():
    gallery = two_groups()
    zero, one = F.one_hot(torch.arange(2), 6)
    middle, leaning, surely = (
        torch.tensor(gallery.place(share * zero + one)) for share in (1.0, 0.8, 0.1)
    )
    assert 0.3 < middle[0] < 0.7 and 0.43 < middle[1] < 0.57
    assert middle[0] < leaning[0] < surely[0]
    torch.testing.assert_close(surely, torch.tensor([0.8, 0.6]), atol=0.01, rtol=0)
