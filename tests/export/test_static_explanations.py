"""The page without a server explains an answer as Python does."""

import numpy as np
import pytest

from inkling.explanation.cell_sum import Cell, GlyphSums
from inkling.explanation.counterfactual import counterfactual
from inkling.explanation.occlusion import evidence
from inkling.recognition.reader import Reader
from inkling.ui.uncertainty import load_paths

pytest_plugins = ["tests.static_pages"]
GLYPH_COUNT, CHANGE_COUNT = 60, 20
ASK = """async (questions) => {
    const { connect } = await import("./messages.js");
    const start = (name) => new Worker(name, { type: "module" });
    const reader = connect(start("worker.js"));
    const explainer = connect(start("explain.js"), reader);
    await Promise.all([reader({ kind: "load" }), explainer({ kind: "load" })]);
    const answers = [];
    for (const { ink, ...question } of questions) {
        const answer = await explainer({ ...question, ink: Float32Array.from(ink) });
        answers.push(answer);
    }
    const plain = (_, value) => (ArrayBuffer.isView(value) ? [...value] : value);
    return JSON.parse(JSON.stringify(answers, plain));
}"""


@pytest.fixture
def page(open_site, static_url):
    """Return a window with the page."""
    return open_site(static_url)


@pytest.fixture(scope="module")
def reader():
    return Reader.load()


@pytest.fixture(scope="module")
def inks(reader):
    """Return test digits of the checkpoint's gallery, misread ones among them: (N, 28, 28)."""
    chosen = np.linspace(0, len(reader.gallery["ink"]) - 1, GLYPH_COUNT).astype(int)
    return reader.gallery["ink"].numpy()[chosen].astype(np.float32) / 255


def make_questions(reader, inks, requested=False):
    """Return what the page requests of its worker for inks (N, 28, 28)."""
    order = np.argsort(-reader.predict_glyphs(inks)[0], axis=1)[:, :2].tolist()
    return [
        {"kind": "explain", "ink": ink.ravel().tolist(), "answer": best, "rival": second}
        | {"requested": second if requested else None, "isUnsure": False, "opened": False}
        for ink, (best, second) in zip(inks, order, strict=True)
    ]


def test_evidence_correlates_with_pythons_and_names_the_same_parts(page, reader, inks):
    questions = make_questions(reader, inks)
    correlations, margins, same = [], [], []
    for question, answer, ink in zip(questions, page.evaluate(ASK, questions), inks, strict=True):
        found = answer["evidence"]
        python = evidence(reader.model, ink, question["answer"], question["rival"])
        correlations.append(np.corrcoef(found["map"], python.map.ravel())[0, 1])
        margins.append(abs(found["margin"] - python.margin))
        same.append([part["words"] for part in found["parts"]] == [p.words for p in python.parts])
    assert np.median(correlations) >= 0.98 and np.quantile(correlations, 0.1) >= 0.9
    assert np.median(margins) <= 0.1
    assert np.mean(same) >= 0.8


def test_changes_make_the_digit_that_was_asked_for(page, reader, inks):
    questions = make_questions(reader, inks[: 3 * CHANGE_COUNT : 3], requested=True)
    changes = [answer["change"] for answer in page.evaluate(ASK, questions)]
    python = [
        counterfactual(reader.model, ink, q["requested"], load_paths(q["requested"]))
        for q, ink in zip(questions, inks[: 3 * CHANGE_COUNT : 3], strict=True)
    ]
    assert sum(map(bool, changes)) >= sum(map(bool, python)) - 2
    pairs = [(q["requested"], c) for q, c in zip(questions, changes, strict=True) if c]
    changed = np.array([c["ink"] for _, c in pairs], np.float32).reshape(-1, 28, 28)
    read = reader.predict_glyphs(changed)[0].argmax(axis=1)
    assert (read == [digit for digit, _ in pairs]).mean() >= 0.95
    words = [(c["words"], p.words) for c, p in zip(changes, python, strict=True) if c and p]
    assert np.mean([ours == theirs for ours, theirs in words]) >= 0.5


def test_layers_and_sums_add_up_to_pythons(page, reader, inks):
    ink, opened = inks[0], {"count": 1, "probabilities": [0.1] * 10, "not_a_digit": 0}
    [question] = make_questions(reader, inks[:1])
    picks = [["6-3-0-0"], ["3-5-2-1"], ["2-7-0-4"], ["1-9-6-6"]]
    sums = [{"kind": "sum", "ink": question["ink"], "trail": p, "at": 0} for p in picks]
    layers, *written = page.evaluate(ASK, [question | {"opened": opened}, *sums])
    glyph = GlyphSums(reader.model, ink)
    found = layers["layers"]["decision"]["logits"]
    assert np.abs(found - glyph.stages[-1].flatten().numpy()).max() < 0.1  # 8-bit weights
    for [pick], answer in zip(picks, written, strict=True):
        computed, cell = answer["sum"]["computed"], Cell(*map(int, pick.split("-")))
        python = glyph.write_out(cell)
        total = sum(t["total"] for t in computed["terms"]) + computed["rest"] + computed["bias"]
        assert total == pytest.approx(computed["pooled"][computed["kept"]], abs=1e-4)
        assert total == pytest.approx(python.pooled[python.kept], abs=0.05)
        assert len(answer["sum"]["trail"]) == cell.stage + 1  # down to a pixel
