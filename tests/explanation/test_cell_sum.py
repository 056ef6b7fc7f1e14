"""A cell's sum is what torch computes, and each term leads to its place in the stage before."""

import numpy as np
import pytest
import torch

from data.drawing.pen_digits import draw_digits
from inkling.explanation.cell_sum import MAX_TERMS, Cell, GlyphSums
from model import DigitCNN

CELLS = 200  # of each stage and drawing: 1,000 of each stage


@pytest.fixture(scope="module")
def glyphs(model):
    return [GlyphSums(model, ink) for ink in draw_digits(5, seed=3).ink[:, 0].numpy()]


def sample_cells(sums, stage, count, seed=0):
    rng = np.random.default_rng(seed)
    sizes = sums.stages[stage].shape
    return [Cell(stage, *(int(rng.integers(size)) for size in sizes)) for _ in range(count)]


def expect_sum(sums, cell):
    """Expect a cell's parts to add up to the value that torch computed."""
    found = sums.write_out(cell)
    products = [(term.patch * term.kernel).sum() for term in found.terms]
    assert max(abs(p - term.total) for p, term in zip(products, found.terms, strict=True)) < 1e-9
    total = sum(products) + found.rest + found.bias
    assert abs(total - found.pooled[found.kept]) < 1e-4
    value = total if cell.stage == len(sums.blocks) else max(total, 0)
    assert abs(value - sums.stages[cell.stage][cell[1:]]) < 1e-4
    return found


@pytest.mark.parametrize("stage", range(1, 7))
def test_the_parts_of_a_sum_add_up_to_what_torch_computes(glyphs, stage):
    for sums in glyphs:
        for cell in sample_cells(sums, stage, CELLS):
            found = expect_sum(sums, cell)
            sizes = [abs(term.total) for term in found.terms]
            assert sizes == sorted(sizes, reverse=True)
            assert len(sizes) == min(MAX_TERMS, len(sums.stages[stage - 1]))


def test_the_stages_are_those_of_a_pass_through_the_network(model, glyphs):
    for sums, ink in zip(glyphs, draw_digits(5, seed=3).ink, strict=True):
        with torch.inference_mode():
            logits, features = model.class_logits(ink[None])[0], model.features(ink[None])[0]
        assert torch.allclose(sums.stages[-1].flatten(), logits, atol=1e-5)
        assert torch.allclose(sums.stages[-2].flatten(), features, atol=1e-5)


def test_pooling_keeps_the_largest_sum_before_a_negative_scale():
    network = DigitCNN((8, 8, 16, 16))
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, -1, 1)
            torch.nn.init.uniform_(layer.bias, 0, 2)
            torch.nn.init.uniform_(layer.running_mean, -0.5, 0.5)
    sums = GlyphSums(network.eval(), draw_digits(1, seed=3).ink[0, 0].numpy())
    scale = network.layers[6].weight  # of the layer that pools
    kept = set()
    for stage in range(1, 6):
        for cell in sample_cells(sums, stage, 300 if stage == 2 else 50):
            found = expect_sum(sums, cell)
            if stage == 2:
                is_flipped = bool(scale[cell.map] < 0)
                assert found.kept == (np.argmin if is_flipped else np.argmax)(found.pooled)
                kept.add((is_flipped, found.kept))
    assert len(kept) == 8  # each of four sums, with either sign


def test_each_term_leads_to_a_cell_whose_value_is_in_its_patch(glyphs):
    for sums in glyphs:
        for stage in range(1, 7):
            for cell in sample_cells(sums, stage, 20, seed=1):
                for term in sums.write_out(cell).terms:
                    assert sums.has(*term.source) and term.source.stage == stage - 1
                    product = np.abs(term.patch * term.kernel)
                    if product.max():
                        strongest = term.patch.flat[product.argmax()]
                        assert sums.stages[stage - 1][term.source[1:]] == pytest.approx(
                            strongest, abs=1e-6
                        )


def test_a_trail_goes_stage_by_stage_along_the_strongest_terms_to_the_ink(glyphs):
    for sums in glyphs:
        cell = Cell(6, int(sums.stages[-1].argmax()), 0, 0)
        for step in sums.follow(cell):
            assert step == sums.write_out(cell).terms[0].source
            cell = step
        assert cell.stage == 0
        assert not any(sums.has(*wrong) for wrong in ((0, 0, 28, 0), (7, 0, 0, 0), (1, 2), ()))


def test_the_first_layer_s_kernel_lies_over_pixels_of_the_ink(model, glyphs):
    for sums in glyphs:
        for cell in sample_cells(sums, 1, 20):
            (term,) = sums.write_out(cell).terms
            y, x = 2 * cell.row, 2 * cell.column
            assert np.allclose(term.patch, sums.stages[0][0, y : y + 6, x : x + 6])
            weight = model.layers[1].weight[cell.map].detach()  # (4, 3, 3)
            assert np.allclose(term.kernel, torch.pixel_shuffle(weight, 2)[0], atol=1e-6)
