"""The page's wiring: a real server, called as programs call it, with a reader that is a fake."""

from typing import ClassVar

import gradio as gr
import httpx
import numpy as np
import pytest
from conftest import serving, sketch
from gradio_client import Client, handle_file
from PIL import Image
from starlette.exceptions import HTTPException

import app
from inkling.imaging.mnist_frame import Glyph
from inkling.recognition.corrections import Lessons
from inkling.recognition.reading import Digit, Reading
from inkling.training.live_reader import PlaceholderReader
from inkling.ui.event_payloads import load_upload
from inkling.ui.session import Session


class FakeReader:
    """Answers 3 to everything, and remembers what it was asked."""

    description: ClassVar = {}
    gallery = None

    def __init__(self):
        self.asked = []

    def read_file(self, path):
        self.asked.append(path)
        glyph = Glyph(np.eye(28, dtype=np.float32), (1, 2, 3, 4))
        chances = [0.01] * 10
        chances[3] = 0.91
        return Reading((Digit(glyph, tuple(chances), 0.25),))


@pytest.fixture(scope="module")
def site():
    with serving(FakeReader()) as site:
        yield site


@pytest.fixture
def page(served):
    """Return a served page's address and its reader, which was asked nothing yet."""
    served.source.reader = served.reader
    served.reader.asked.clear()
    return served


@pytest.fixture
def seven(tmp_path):
    Image.fromarray(sketch(7)).save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


def test_the_endpoint_gives_the_reading_as_an_object_and_of_no_file_none(page, seven):
    client = Client(page.url, verbose=False)
    answer = client.predict(handle_file(seven), api_name="/predict")
    assert answer["text"] == "3" and answer["note"] == ""
    (digit,) = answer["digits"]
    assert digit["digit"] == 3 and digit["confidence"] == 0.91 and digit["box"] == [1, 2, 3, 4]
    assert digit["not_a_digit"] == 0.25 and len(digit["probabilities"]) == 10
    assert client.predict(None, api_name="/predict")["digits"] == []


def test_the_endpoint_names_what_is_wrong_with_a_file(page, shipped, odd_files):
    page.source.reader = shipped
    client = Client(page.url, verbose=False)
    for path in odd_files.values():
        answer = client.predict(handle_file(path), api_name="/predict")
        assert answer["note"].startswith("error: ") and answer["digits"] == []
        assert str(path.parent) not in answer["note"]


def test_there_is_one_public_endpoint_which_is_documented_and_no_way_past_the_queue(page):
    info = httpx.get(f"{page.url}gradio_api/info").json()
    assert list(info["named_endpoints"]) == ["/predict"] and info["unnamed_endpoints"] == {}
    (parameter,) = info["named_endpoints"]["/predict"]["parameters"]
    assert parameter["parameter_name"] == "picture"
    answer = httpx.post(f"{page.url}gradio_api/run/predict", json={"data": [None]})
    assert answer.status_code >= 400 and page.reader.asked == []


@pytest.mark.parametrize("field", ["path", "url"])
def test_a_file_of_the_server_is_not_opened(page, field, seven):
    secret = seven.parent.parent / "secret.png"
    secret.write_bytes(seven.read_bytes())
    for told in ({field: str(secret)}, {field: str(secret), "meta": {"_type": "gradio.FileData"}}):
        for function in range(len(page.demo.fns)):
            call = {"data": [told], "fn_index": function, "session_hash": "stranger"}
            httpx.post(f"{page.url}gradio_api/queue/join", json=call)
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        Client(page.url, verbose=False).predict({"path": str(secret)}, api_name="/predict")
    assert page.reader.asked == []


def test_an_upload_that_is_too_large_is_refused(page):
    files = {"files": ("big.png", bytes(9_000_000))}
    answer = httpx.post(f"{page.url}gradio_api/upload", files=files)
    assert answer.status_code == 413


def test_what_is_no_upload_of_this_page_is_refused(tmp_path):
    for told in ({"path": "/elsewhere.png"}, {"path": ["a"]}, {"path": "\0"}, ["a"], "a", 7, True):
        with pytest.raises(HTTPException, match="Only uploaded pictures"):
            load_upload(told, tmp_path)


def test_what_trains_again_is_not_wired_up_unless_it_is_allowed(page):
    locked = {fn.name for fn in page.demo.fns.values()}
    assert "predict" in locked and not {"train", "cancel"} & locked
    assert {"train", "cancel"} <= {fn.name for fn in app.build_demo(page.source, True).fns.values()}


def test_a_page_that_collects_corrections_says_so(page, tmp_path):
    def said(demo):
        return [b["props"].get("value") or "" for b in demo.get_config_file()["components"]]

    assert any("deleted after minutes" in str(words) for words in said(page.demo))
    collecting = said(app.build_demo(page.source, collect=tmp_path))
    assert any("saves the digits that you correct" in str(words) for words in collecting)
    assert not any("deleted after minutes" in str(words) for words in collecting)


def test_what_a_browser_kept_never_comes_over_the_answer_to_a_drawing(page):
    """Both are asked for as a page opens, and the answers come in any order."""
    handlers = {fn.name: fn.fn for fn in page.demo.fns.values()}
    session, nobody = Session(), PlaceholderReader()
    page.source.reader = nobody
    lessons = Lessons().add(np.eye(28, dtype=np.float32), 7)
    assert handlers["restore"](session, []) == gr.skip()
    (known,) = handlers["restore"](session, lessons.to_json()).values()
    assert "1 correction saved" in known
    session.update(lambda state: state, nobody)
    assert len(handlers["restore"](session, lessons.to_json())) > 5
