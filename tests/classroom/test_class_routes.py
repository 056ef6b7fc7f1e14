"""A class's routes keep pupils apart from the wall, and the controls from pupils."""

import json
import re
import threading
from collections import Counter
from types import SimpleNamespace

import pytest
from conftest import ROOT, pad_payload
from fastapi import FastAPI
from starlette.testclient import TestClient

from inkling.classroom import class_routes
from inkling.classroom.class_routes import Classroom
from inkling.classroom.drawings import RateLimit
from inkling.training.live_reader import PlaceholderReader

TOKEN, OTHER = "a" * 32, "b" * 32
DIGITS = range(10)
SECRET = "b" * 31 + "c"
PHONE_FILES = ["/join", *(f"/class/{name}" for name in ("class.css", "sketchpad.css", "phone.css"))]
PHONE_FILES += [f"/class/{name}.js" for name in ("phone", "sketchpad", "strokes")]
MARKUP = "<img src=x onerror=alert(1)>"
STROKE = {"width": 79, "erases": False, "points": [500, 200, 500, 800]}
INVALID = {
    "no token": {"token": None},
    "a short token": {"token": "abc"},
    "a long token": {"token": 65 * "a"},
    "a token of another type": {"token": [TOKEN]},
    "no digit": {"asked": 10},
    "a digit below 0": {"asked": -1},
    "a digit in words": {"asked": "7"},
    "a broken digit": {"asked": 7.5},
    "a negative count": {"count": -1},
    "a huge count": {"count": 10**30},
    "a yes as a count": {"count": True},
}
NO_STROKES = {
    "none": {"strokes": []},
    "words": {"strokes": "a word"},
    "markup": {"strokes": [MARKUP]},
    "a picture": {"strokes": {"src": "data:image/png;base64,iVBORw0KGgo="}},
    "points of text": {"strokes": [STROKE | {"points": [MARKUP, MARKUP]}]},
    "no points": {"strokes": [STROKE | {"points": []}]},
    "an odd number of points": {"strokes": [STROKE | {"points": [1, 2, 3]}]},
    "a huge width": {"strokes": [STROKE | {"width": 1e9}]},
    "a width of text": {"strokes": [STROKE | {"width": MARKUP}]},
    "points out of sight": {"strokes": [STROKE | {"points": [2_900, 2_900, 2_950, 2_950]}]},
    "no size": {"size": None},
    "size 0": {"size": 0},
}


class Source(SimpleNamespace):
    """A live reader that trains nothing."""

    def train_beside(self, train):
        self.trained = train

    def cancel(self):
        self.cancelled = True


@pytest.fixture
def room(shipped, tmp_path):
    return Classroom(Source(reader=shipped, trained=None, cancelled=False))


@pytest.fixture
def client(room):
    return TestClient(FastAPI(routes=room.routes()))


@pytest.fixture
def freely(room):
    """Lift the limits of rates."""
    room.phones = room.addresses = room.newcomers = RateLimit(1e6, 10**6)


def send(client, token=TOKEN, count=0, asked=7, **more):
    payload = pad_payload(asked if asked in DIGITS and type(asked) is int else 7)
    body = {"token": token, "count": count, "asked": asked} | payload | more
    return client.post("/class/talk", json=body)


def see(client, room, **body):
    return client.post("/class/wall", json={"token": room.key} | body).json()


def act(client, room, action, **body):
    body |= {"token": room.key, "action": action, "session": room.drawings.id}
    return client.post("/class/act", json=body)


def test_a_drawing_is_read_and_is_on_the_wall_with_its_label(client, room):
    reply = send(client).json()
    assert reply["seen"]["digit"] == 7 and reply["seen"]["confidence"] > 0.9
    assert reply["ask"] != 7 and reply["session"] == room.drawings.id
    (drawing,) = see(client, room)["drawings"]
    assert drawing["asked"] == 7 and drawing["seen"] == reply["seen"]
    assert [len(s["points"]) for s in drawing["strokes"]] == [6]


def test_a_refused_drawing_counts_and_says_what_was_seen(client, room):
    lines = [
        {"width": 20, "erases": False, "points": [100, y, 900, y]} for y in range(100, 900, 90)
    ]
    reply = send(client, strokes=lines)
    assert reply.status_code == 200 and reply.json()["seen"]["digit"] is None
    assert len(see(client, room)["drawings"]) == 1


def test_a_drawing_that_is_sent_again_counts_once(client, room):
    first, again = send(client).json(), send(client).json()
    assert first["seen"] == again["seen"] and len(room.drawings.all) == 1


@pytest.mark.parametrize("more", INVALID.values(), ids=INVALID)
def test_an_invalid_request_gets_a_sentence(client, room, more):
    reply = send(client, **{"token": TOKEN} | more)
    assert reply.status_code == 400 and len(reply.json()["detail"]) < 100
    assert room.drawings.all == [] and room.drawings.pupils == {}


@pytest.mark.parametrize("more", NO_STROKES.values(), ids=NO_STROKES)
def test_only_strokes_get_on_the_wall(client, room, more):
    reply = send(client, **more)
    assert reply.status_code == 400 and "Nothing is drawn" in reply.json()["detail"]
    assert room.drawings.all == [] and room.drawings.pupils == {}


def test_nothing_but_numbers_of_a_drawing_is_passed_on(client, room):
    strokes = [s | {"name": MARKUP, "color": MARKUP} for s in pad_payload(7)["strokes"]]
    send(client, strokes=strokes, name=MARKUP, text=MARKUP, number=5)
    text = json.dumps(see(client, room)["drawings"])
    assert MARKUP not in text and "name" not in text and TOKEN not in text
    (drawing,) = see(client, room)["drawings"]
    assert set(drawing) == {"number", "hidden", "asked", "strokes", "seen"}
    assert {key for s in drawing["strokes"] for key in s} == {"width", "erases", "points"}


def test_a_drawing_without_its_digit_is_not_taken(client, room):
    body = {"token": TOKEN, "count": 0} | pad_payload(7)
    assert client.post("/class/talk", json=body).json()["seen"] is None
    assert room.drawings.all == []


def test_too_much_ink_is_refused_in_words(client, room):
    points = [k % 1000 for k in range(20_000)]
    reply = send(client, strokes=[STROKE | {"points": points}])
    assert reply.status_code == 413 and "clear the pad" in reply.json()["detail"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"7", b'{"token": NaN}', b"[" * 9_000, b"\xff"]
)
def test_a_body_that_is_no_object_gets_a_sentence(client, room, content):
    for route in ("talk", "mine", "wall", "act"):
        headers = {"content-type": "application/json"}
        reply = client.post(f"/class/{route}", content=content, headers=headers)
        assert reply.status_code == 400 and len(reply.json()["detail"]) < 100


def test_another_site_s_form_is_no_request(client, room):
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        body = json.dumps({"token": room.key, "action": "pause"})
        reply = client.post("/class/act", content=body, headers={"content-type": kind})
        assert reply.status_code == 415 and not room.drawings.is_paused


@pytest.mark.parametrize("key", [TOKEN, "", None, "KEY ", "é" * 16, 17 * "a"])
def test_without_the_key_nothing_of_the_wall_is_seen_or_done(client, room, key):
    send(client)
    key = room.key.swapcase() if key == "KEY " else key
    for action in ("pause", "hide", "clear", "learn"):
        body = {"token": key, "action": action, "session": room.drawings.id}
        for route in ("act", "wall"):
            reply = client.post(f"/class/{route}", json=body)
            assert reply.status_code in (400, 403) and set(reply.json()) == {"detail"}
    assert not room.drawings.is_paused and not room.drawings.all[0].is_hidden
    assert room.source.trained is None and not room.source.cancelled


def test_the_key_and_the_tokens_are_compared_and_made_unguessable(client, room):
    source = (ROOT / "inkling" / "classroom" / "class_routes.py").read_text()
    assert "compare_digest" in source and "== self.key" not in source
    assert len(room.key) >= 22 and room.key != Classroom(room.source).key  # 128 bits
    script = client.get("/class/phone.js").text
    assert "crypto.getRandomValues(new Uint8Array(16))" in script


def test_a_pupil_reads_no_drawing_but_her_own(client, room, shipped):
    send(client)
    room.lesson = SimpleNamespace(
        model=True, read_mine=lambda pupil: {"rows": [d.asked for d in pupil.values()]}
    )
    assert client.post("/class/mine", json={"token": TOKEN}).json() == {"rows": [7]}
    for guess in (OTHER, TOKEN[:-1] + "b", TOKEN.upper(), TOKEN + "a"):
        assert client.post("/class/mine", json={"token": guess}).status_code == 404
    for path in ("/class/wall", "/class/drawings", "/class/talk", "/class/0", "/class/mine"):
        assert client.get(path).status_code in (404, 405)
    said = send(client, OTHER).text
    assert "strokes" not in said and TOKEN not in said


def test_the_wall_cannot_tell_pupils_apart(client, room):
    """Two pupils, or one: the wall gets the same but for their number."""
    send(client, TOKEN, 0), send(client, TOKEN, 1, 3)
    one = see(client, room)
    act(client, room, "clear")
    send(client, TOKEN, 0), send(client, OTHER, 0, 3)
    two = see(client, room)
    assert (one.pop("pupils"), two.pop("pupils")) == (1, 2)
    assert one.pop("session") != two.pop("session") and one == two


def test_nothing_is_left_when_the_class_ends(room, client, tmp_path, capsys):
    assert not send(client).json()["collects"]
    room.clear()
    assert room.drawings.all == [] and room.drawings.pupils == {} and list(tmp_path.iterdir()) == []
    said = capsys.readouterr()
    assert said.out == said.err == ""


def test_only_collect_saves_drawings_and_the_phone_is_told(shipped, tmp_path):
    room = Classroom(Source(reader=shipped, trained=None), tmp_path / "kept")
    client = TestClient(FastAPI(routes=room.routes()))
    assert send(client).json()["collects"] and see(client, room)["collects"]
    send(client, OTHER, 0, 3)
    room.clear()
    (file,) = (tmp_path / "kept").iterdir()
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert sorted((row["asked"], row["read"]) for row in rows) == [(3, "3"), (7, "7")]
    assert TOKEN not in file.read_text()


def test_the_wall_gets_changes_alone_and_all_of_another_class(client, room):
    send(client)
    first = see(client, room)
    assert len(first["drawings"]) == 1 and "remedy" in first
    known = {"session": first["session"], "since": first["version"]}
    again = see(client, room, **known)
    assert again["drawings"] == [] and "remedy" not in again
    send(client, OTHER)
    assert [d["number"] for d in see(client, room, **known)["drawings"]] == [1]
    act(client, room, "clear")
    cleared = see(client, room, **known)
    assert cleared["drawings"] == [] and cleared["session"] != first["session"]
    assert cleared["pupils"] == 0 and "remedy" in cleared and room.source.cancelled


def test_a_hidden_drawing_leaves_the_wall_and_comes_back(client, room):
    send(client)
    state = see(client, room)
    assert act(client, room, "hide", number=0).json() == {}
    known = {"session": state["session"], "since": state["version"]}
    assert see(client, room, **known)["drawings"] == [{"number": 0, "hidden": True}]
    assert "strokes" not in json.dumps(see(client, room)["drawings"])
    act(client, room, "show", number=0)
    assert see(client, room)["drawings"][0]["strokes"]


def test_a_tap_on_a_cleared_wall_hides_no_other_drawing(client, room):
    old = room.drawings.id
    act(client, room, "clear")
    send(client)
    body = {"token": room.key, "action": "hide", "number": 0, "session": old}
    client.post("/class/act", json=body)
    assert not room.drawings.all[0].is_hidden


def test_a_pause_keeps_drawings_on_the_phones(client, room):
    act(client, room, "pause")
    assert send(client).status_code == 409 and room.drawings.all == []
    assert client.post("/class/talk", json={"token": TOKEN}).json()["paused"]
    act(client, room, "resume")
    assert send(client).status_code == 200


def test_a_phone_asks_again_without_using_up_a_digit(client, room):
    first = client.post("/class/talk", json={"token": TOKEN}).json()["ask"]
    for _ in range(5):
        reply = client.post("/class/talk", json={"token": TOKEN, "asked": first}).json()
        assert reply["ask"] == first and reply["seen"] is None
    assert sum(room.drawings.asked.values()) == 1 and room.drawings.pupils == {}


def test_a_lesson_starts_once_two_pupils_have_drawn(client, room):
    send(client)
    reply = act(client, room, "learn")
    assert reply.status_code == 409 and "Two phones" in reply.json()["detail"]
    assert see(client, room)["lesson"] is None
    send(client, OTHER)
    assert act(client, room, "learn").status_code == 200
    assert room.source.trained == room.lesson.run
    assert see(client, room)["lesson"] == {
        "curve": [], "left": None, "failure": "", "result": None
    }  # fmt: skip
    assert not send(client, SECRET).json()["learned"]
    assert client.post("/class/mine", json={"token": TOKEN}).status_code == 404


def test_another_training_is_told(client, room):
    def refuse(_):
        raise ValueError("A training is already running.")

    send(client), send(client, OTHER)
    room.source.train_beside = refuse
    assert act(client, room, "learn").json() == {"detail": "A training is already running."}
    assert room.lesson is None


def test_sixty_phones_of_one_address_may_join_and_one_device_may_not_flood(client, room):
    statuses = Counter(send(client, f"{k:032d}").status_code for k in range(60))
    assert statuses == {200: 60}
    flood = Counter(send(client, f"{0:032d}", count).status_code for count in range(1, 60))
    assert flood[200] < 20 and flood[429] > 35
    assert send(client, f"{1:032d}", 1).status_code == 200  # others are not held up
    invented = Counter(send(client, f"{k:032x}z").status_code for k in range(200))
    assert invented[200] < 50 and invented[429] > 150
    assert len(room.drawings.pupils) <= 110


@pytest.mark.usefixtures("freely")
def test_one_phone_and_one_class_have_an_end(client, room, monkeypatch):
    monkeypatch.setattr(class_routes, "MAX_PUPIL_DRAWINGS", 2)
    assert [send(client, count=k).status_code for k in range(3)] == [200, 200, 403]
    monkeypatch.setattr(class_routes, "MAX_CLASS_DRAWINGS", 3)
    assert [send(client, OTHER, k).status_code for k in range(2)] == [200, 403]


@pytest.mark.usefixtures("freely")
def test_a_phone_has_one_drawing_read_at_a_time(client, room, shipped, monkeypatch):
    gate, begun = threading.Event(), threading.Event()

    def wait(*args):
        begun.set()
        gate.wait(30)
        return class_routes_read(*args)

    class_routes_read = class_routes.read_drawing
    monkeypatch.setattr(class_routes, "read_drawing", wait)
    with client:
        thread = threading.Thread(target=send, args=(client,))
        thread.start()
        assert begun.wait(30)
        assert send(client, count=1).status_code == 503
        gate.set()
        thread.join()
    assert len(room.drawings.all) == 1


def test_without_a_network_drawings_wait(client, room):
    room.source.reader = PlaceholderReader("Not yet.")
    reply = send(client)
    assert reply.status_code == 503 and room.drawings.pupils == {} and not room.being_read


def test_the_links_are_printed_and_the_key_is_in_a_fragment_alone(room, capsys, monkeypatch):
    monkeypatch.setattr(class_routes.room_address, "find_room_address", lambda: "10.1.2.3")
    room.announce("0.0.0.0", "http://127.0.0.1:7861/", None)
    phones, wall = capsys.readouterr().out.splitlines()
    assert phones == "Phones draw at http://10.1.2.3:7861/join"
    assert wall == f"The wall, for you alone: http://127.0.0.1:7861/wall#key={room.key}"
    monkeypatch.setattr(class_routes.room_address, "find_room_address", lambda: None)
    room.announce("0.0.0.0", "http://127.0.0.1:7861/", None)
    assert "hotspot" in capsys.readouterr().out


def test_the_phone_s_page_is_light_and_loads_nothing_else(client):
    sizes = {path: len(client.get(path).content) for path in PHONE_FILES}
    assert sum(sizes.values()) < 60_000
    text = "".join(client.get(path).text for path in PHONE_FILES)
    assert not re.findall(r"https?://(?!www\.w3\.org)", text) and "@import" not in text
    assert not {"gradio", "wall"} & set(re.findall(r"\w+", client.get("/join").text)) - {"wall"}
    for path in (*PHONE_FILES, "/wall", "/class/wall.js"):
        headers = client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
    named = re.findall(r'(?:href|src)="([^"]+)"', client.get("/join").text)
    assert {f"/{name}" for name in named} <= set(PHONE_FILES)
