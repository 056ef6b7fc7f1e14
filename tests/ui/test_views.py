"""The public endpoint and the page's wiring, called over HTTP as programs call them."""

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from starlette.exceptions import HTTPException

import app
from inkling.imaging.mnist_frame import Glyph
from inkling.recognition.corrections import Corrections
from inkling.recognition.reading import Digit, Reading
from inkling.training.live_reader import PlaceholderReader
from inkling.ui.event_payloads import load_upload
from inkling.ui.lab import Lab
from inkling.ui.session import Session

INK = np.eye(28, dtype=np.float32)


@pytest.fixture
def client(served):
    return Client(served.url, verbose=False)


def test_the_endpoint_returns_the_reading_as_an_object(served, client, seven, monkeypatch):
    probs = tuple(0.91 if k == 3 else 0.01 for k in range(10))
    reading = Reading((Digit(Glyph(INK, (1, 2, 3, 4)), probs, 0.25),))
    monkeypatch.setattr(served.reader, "says", reading)
    assert client.predict(handle_file(seven), api_name="/predict") == reading.as_dict()
    answer = reading.as_dict()
    assert answer["text"] == "3" and answer["note"] == ""
    (digit,) = answer["digits"]
    assert digit["digit"] == 3 and digit["confidence"] == 0.91 and digit["box"] == [1, 2, 3, 4]
    assert digit["not_a_digit"] == 0.25 and len(digit["probabilities"]) == 10
    assert client.predict(None, api_name="/predict")["digits"] == []


def test_one_endpoint_is_public_and_documented_and_it_is_behind_the_queue(served):
    info = httpx.get(f"{served.url}gradio_api/info").json()
    assert list(info["named_endpoints"]) == ["/predict"] and info["unnamed_endpoints"] == {}
    (parameter,) = info["named_endpoints"]["/predict"]["parameters"]
    assert parameter["parameter_name"] == "picture"
    reads = served.reader.reads
    answer = httpx.post(f"{served.url}gradio_api/run/predict", json={"data": [None]})
    assert answer.status_code >= 400 and served.reader.reads == reads


@pytest.mark.parametrize(
    "payload", [{"path": "/elsewhere.png"}, {"path": ["a"]}, {"path": "\0"}, ["a"], "a", 7, True]
)
def test_a_payload_that_is_no_upload_is_refused(payload, tmp_path):
    with pytest.raises(HTTPException, match="Only uploaded pictures"):
        load_upload(payload, tmp_path)


def test_training_is_allowed_only_if_the_page_trains(served, monkeypatch):
    made = []
    monkeypatch.setattr(app, "Lab", lambda *values: made.append(Lab(*values)) or made[-1])
    for trains in (False, True):
        app.build_demo(served.source, trains)
        assert ("train" in made[-1].actions) == trains and "watch" in made[-1].actions


def test_a_page_that_collects_corrections_says_so(served, tmp_path):
    texts = ("drawings are deleted after minutes", "saves the digits that you correct")
    for collect, shown, hidden in ((None, *texts), (tmp_path, *texts[::-1])):
        config = str(app.build_demo(served.source, collect=collect).get_config_file())
        assert shown in config and hidden not in config


def test_restored_corrections_never_replace_the_answer_to_a_drawing(served, monkeypatch):
    """A page that opens sends both, and the responses come in any order."""
    restore = next(fn.fn for fn in served.demo.fns.values() if fn.name == "restore")
    session, reader = Session(), PlaceholderReader()
    monkeypatch.setattr(served.source, "reader", reader)
    corrections = Corrections().add(INK, 7).to_json()
    assert restore(session, []) == gr.skip()
    (html,) = restore(session, corrections).values()
    assert "1 correction saved" in html
    session.update(lambda state: state, reader)
    assert len(restore(session, corrections)) > 5
