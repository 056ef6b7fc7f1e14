"""The Lab in a browser: each choice trains, reports can be watched and read with, races end."""

import threading
from dataclasses import replace

import pytest
from conftest import TINY, finish, names, serving, wait_until
from playwright.sync_api import expect
from test_states import LOOKS, expect_accessible_in

from inkling.imaging.sketch import Sketch
from inkling.recognition.checkpoint import encode_checkpoint, load_checkpoint
from inkling.recognition.reader import Reader
from inkling.training import build_checkpoint, lab, recipes
from inkling.training.lab import Lane
from inkling.ui.event_payloads import MAX_KEY_CHARS
from inkling.ui.lab import NOT_ALLOWED, Lab
from inkling.ui.session import Session
from tests.pages import Obedient, draw_and_read, requests_of, wait_until_settled

SHORT = replace(TINY, epochs=0.2)  # 20 steps
TRAINED_MS = 120_000  # of a training and its scores on a busy machine


@pytest.fixture(scope="module")
def lab_site(small_mnist):
    """Serve the page with a quick recipe of a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "QUICK", SHORT)
        for module in (build_checkpoint, lab):
            patch.setattr(module, "load_mnist", lambda: small_mnist)
        with serving(Obedient.load(), trains=True) as site:
            yield site


@pytest.fixture
def open_lab(visit, lab_site, monkeypatch):
    """Return a function that opens the page, draws a 7 if asked to, and opens the Lab."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", lab_site.demo.app.uploaded_file_dir)

    def open_lab(draws=True, **options):
        page = visit(url=lab_site.url, **options)
        if draws:
            draw_and_read(page, 7)
        page.get_by_role("tab", name="Lab").click()
        expect(page.locator("#lab form")).to_be_visible()
        return page

    yield open_lab
    lab_site.source.cancel()


def train(page, source, epochs="0.2", button="Train"):
    """Start a training in the Lab, and wait until it is scored."""
    before = source.run
    page.locator("#lab [name=epochs]").fill(epochs)
    page.get_by_role("button", name=button, exact=True).click()
    wait_until(lambda: source.run is not before)
    finish(source)
    expect(page.locator(".lab-status")).to_have_text("Trained.", timeout=TRAINED_MS)


def read_tab(page):
    page.get_by_role("tab", name="Read", exact=True).click()
    wait_until_settled(page)


@pytest.mark.parametrize(
    "data, size",
    [("mnist", 700), ("hands", 5_000), ("all", 50_000), ("corrections", 620_000)],
)
def test_each_choice_trains(open_lab, lab_site, data, size):
    page = open_lab()
    if data == "corrections":
        read_tab(page)
        page.locator("#corrections button", has_text="1").first.click()
        expect(page.locator("#corrections .saved")).to_be_visible()
        page.get_by_role("tab", name="Lab").click()
        expect(page.locator("#lab [value=corrections]")).to_be_enabled()
    page.locator(f"#lab [name=data][value='{data}']").check()
    page.locator(f"#lab [name=size][value='{size}']").check()
    page.locator("#lab [name=seed]").fill("5")
    train(page, lab_site.source)
    (lane,) = lab_site.source.run.lanes
    assert lane.recipe == SHORT.choose(data, size, 0.2) and lane.seed == 5
    assert len(lane.added.labels if lane.added else ()) == (data == "corrections")
    expect(page.locator(".lab-lanes h3")).to_contain_text(f"{lane.training['weights']:,} weights")
    expect(page.locator(".lab-figures tr")).to_have_count(3)
    expect(page.locator(".lab-differences h3")).to_have_count(2)
    assert names(lab_site.source.checkpoint.absolute().parent).count("none.safetensors") == 0


def test_the_whole_page_reads_with_the_timeline_s_network_and_nobody_else_does(
    open_lab, lab_site, tmp_path
):
    page, other = open_lab(), open_lab()
    train(page, lab_site.source)
    page.locator("#lab [type=range]").focus()
    page.keyboard.press("Home")
    expect(page.locator(".lab-moment")).to_contain_text("Report 1 of")
    expect(page.locator("#switched")).to_contain_text("at step 1 of 18")
    read_tab(page)
    (lane,) = lab_site.source.run.lanes
    path = tmp_path / "first.safetensors"
    path.write_bytes(encode_checkpoint(*lane.network(0))[0])
    sketch = Sketch.from_json(requests_of(page, "sketch")[0].value)
    expected = Reader.load(path).read(sketch.picture())
    expect(page.locator("#answer [data-number]")).to_have_attribute("data-number", expected.text)
    for digit, prob in enumerate(expected.digits[0].probabilities if expected.text else ()):
        bar = page.locator(f"#label [data-testid='{digit}-confidence-set']")
        expect(bar).to_contain_text(f"{100 * prob:.0f}%")
    page.get_by_role("button", name="Inside the network").click()
    expect(page.locator("#layers h3").nth(1)).to_contain_text("8 maps")  # the trained network's
    read_tab(other)
    expect(other.locator("#switched")).not_to_contain_text("at step")
    draw_and_read(other, 7)
    lab_site.source.run = None  # as another training, or a restart, would drop it
    draw_and_read(page, 7)
    expect(page.locator("#switched")).to_contain_text("The network that you chose is gone")
    page.get_by_role("button", name="Use the page's network").first.click()
    expect(page.locator("#switched")).to_have_text("")
    expect(page.locator("#answer [data-number]")).to_have_attribute("data-number", "7")


def test_one_tap_races_mnist_alone_against_the_shipped_recipe(open_lab, lab_site):
    page = open_lab(draws=False)
    train(page, lab_site.source, button="MNIST alone against the shipped recipe")
    first, second = lab_site.source.run.lanes
    assert (first.recipe.drawn, second.recipe) == (0, SHORT)
    expect(page.locator(".lab-lanes article")).to_have_count(2)
    expect(page.locator(".lab-curve polyline")).to_have_count(2)
    expect(page.locator(".lab-subject").first).to_contain_text("draw your own")
    rows = page.locator(".lab-figures tr")
    for k, lane in enumerate((first, second), start=1):
        evaluation = lane.result.description["evaluation"]
        expect(rows.nth(k)).to_contain_text(f"{100 * evaluation['accuracy']:.2f} %")
    reads = page.locator(".lab-examples tr").nth(1).locator("td").all_inner_texts()
    assert len(reads) == 13 and set("".join(reads)) <= set("0123456789–")


def test_networks_are_saved_and_opened_again(open_lab, lab_site, tmp_path):
    page = open_lab()
    train(page, lab_site.source)
    with page.expect_download() as started:
        page.get_by_role("button", name="Save checkpoint").click()
    file = tmp_path / started.value.suggested_filename
    started.value.save_as(file)
    assert file.name == "digits.safetensors"
    lane = lab_site.source.run.lanes[0]
    model, description, gallery = load_checkpoint(file)
    assert description["evaluation"] == lane.result.description["evaluation"] and gallery
    page.set_input_files("#lab [type=file]", file)
    expect(page.locator(".lab-status")).to_have_text("The page reads with digits.safetensors.")
    read_tab(page)
    expect(page.locator("#switched")).to_contain_text("Read by the file digits.safetensors.")
    page.get_by_role("tab", name="The network").click()
    expect(page.locator("#card")).to_contain_text(f"{description['weights']:,} weights")
    page.get_by_role("tab", name="Lab").click()
    for content, words in (
        (file.read_bytes()[:-1], "damaged"),
        (encode_checkpoint(model, {})[0], "its description is incomplete"),
        (b"", "damaged"),
    ):
        (tmp_path / "bad.safetensors").write_bytes(content)
        page.set_input_files("#lab [type=file]", tmp_path / "bad.safetensors")
        expect(page.locator(".lab-error")).to_contain_text("This file cannot be used: ")
        expect(page.locator(".lab-error")).to_contain_text(words)
        assert str(tmp_path) not in page.locator(".lab-error").inner_text()


@pytest.fixture
def paused(monkeypatch):
    """Pause trainings after the second report; return an event to continue."""
    go_on, add = threading.Event(), Lane.add

    def pause(self, progress):
        add(self, progress)
        if len(self.reports) == 2:
            go_on.wait(120)

    monkeypatch.setattr(Lane, "add", pause)
    yield go_on
    go_on.set()


def test_it_is_accessible_while_it_trains_and_afterwards(open_lab, lab_site, paused):
    page_of = {scheme: open_lab(color_scheme=scheme) for scheme in ("dark", "light")}
    expect_accessible_in(LOOKS.values(), page_of)
    page_of["dark"].get_by_role("button", name="MNIST alone against the shipped recipe").click()
    for page in page_of.values():  # the second one watches
        expect(page.locator(".lab-lanes .best")).to_have_count(2, timeout=TRAINED_MS)
        expect(page.locator(".lab-matrix td.right").first).to_be_visible()
        expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    expect_accessible_in(LOOKS.values(), page_of)
    paused.set()
    for page in page_of.values():
        expect(page.locator(".lab-status")).to_have_text("Trained.", timeout=TRAINED_MS)
        expect(page.locator(".lab-differences h3")).to_have_count(2)
    expect_accessible_in(LOOKS.values(), page_of)


def test_others_watch_and_a_training_is_cancelled(open_lab, lab_site, paused):
    page = open_lab()
    page.locator("#lab [name=epochs]").fill("2")
    page.get_by_role("button", name="Train", exact=True).click()
    other = open_lab(draws=False)
    expect(other.locator(".lab-moment")).to_contain_text("Report 2 of 2", timeout=TRAINED_MS)
    expect(other.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    paused.set()
    page.get_by_role("button", name="Cancel").click()
    wait_until(lambda: not lab_site.source.is_training)
    expect(other.get_by_role("button", name="Train", exact=True)).to_be_enabled()
    expect(page.locator(".lab-lanes article")).to_have_count(1)  # what was trained stays


def test_the_keyboard_reaches_every_control(open_lab, lab_site):
    page = open_lab()
    train(page, lab_site.source)
    page.locator("#lab [name=data]:checked").focus()
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.name || document.activeElement.type"))
    assert {"size", "epochs", "seed", "other-data", "other-size", "submit", "file"} <= reached
    assert {"range", "button"} <= reached


def test_where_nobody_may_train_requests_are_refused(lab_site, tmp_path):
    def encode(_):
        raise AssertionError

    closed = Lab(lab_site.source, False, encode, lambda: str(tmp_path))
    run = lab_site.source.run
    for action in ("train", "cancel", "save", "open", "x", None):
        assert closed.respond(Session(), {"action": action}) == {"error": NOT_ALLOWED}
    assert "<form" not in closed.respond(Session(), {"action": "form"})["form"]
    assert lab_site.source.run is run and not lab_site.source.is_training
    assert "error" not in closed.respond(Session(), {"action": "watch"})


@pytest.mark.parametrize("junk", [None, 7, "x" * 999, [], {}, [[None]], {"path": 3}, -1, 1e999])
def test_no_request_fails_on_junk(lab_site, tmp_path, junk):
    allowed = Lab(lab_site.source, True, lambda _: b"", lambda: str(tmp_path))
    keys = ("lanes", "epochs", "seed", "known", "since", "at", "compared", "network", "kind")
    for action in ("form", "watch", "train", "save"):
        response = allowed.respond(Session(), {"action": action} | dict.fromkeys(keys, junk))
        assert isinstance(response, dict)
    assert "error" in allowed.respond(Session(), junk)
    assert not lab_site.source.is_training and len(str(junk)[:MAX_KEY_CHARS]) <= MAX_KEY_CHARS
    finish(lab_site.source) if lab_site.source._thread else None
