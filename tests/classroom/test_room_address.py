"""The address on the wall is one that phones can reach, or the wall says what to do."""

import ipaddress
import socket
import xml.dom.minidom
from urllib.parse import unquote

import pytest
import segno
from conftest import run_python

from inkling.classroom import room_address
from inkling.classroom.room_address import describe_place, find_room_address


class NoNetwork(socket.socket):
    """A socket of a machine without a route, except to some addresses."""

    routes = ()

    def connect(self, address):
        if address[0] not in self.routes:
            raise OSError(101, "Network is unreachable")

    def getsockname(self):
        return ("192.168.137.1", 5)


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setattr(room_address.socket, "socket", NoNetwork)
    return monkeypatch


@pytest.fixture
def online(monkeypatch):
    monkeypatch.setattr(room_address, "find_room_address", lambda: "10.1.2.3")


def test_an_address_in_a_network_is_found_or_none():
    found = find_room_address()
    assert found is None or not ipaddress.ip_address(found).is_loopback


def test_without_a_network_the_remedy_is_told(offline):
    for host in ("0.0.0.0", "::"):
        place = describe_place(host, 7860, None)
        assert (
            place["url"] is None and "hotspot" in place["remedy"] and "--share" in place["remedy"]
        )


def test_a_hotspot_without_the_internet_is_a_network(offline):
    offline.setattr(NoNetwork, "routes", ("192.168.137.9",))
    assert describe_place("0.0.0.0", 7860, None)["url"] == "http://192.168.137.1:7860/join"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_server_for_this_machine_alone_is_not_shown_as_reachable(online, host):
    assert "--host" in describe_place(host, 7860, None)["remedy"]


@pytest.mark.parametrize(
    "host, public, url",
    [
        ("0.0.0.0", None, "http://10.1.2.3:7860/join"),
        ("192.168.1.5", None, "http://192.168.1.5:7860/join"),
        ("fd00::5", None, "http://[fd00::5]:7860/join"),
        ("0.0.0.0", "https://a1b2.gradio.live/", "https://a1b2.gradio.live/join"),
        ("127.0.0.1", "https://a1b2.gradio.live", "https://a1b2.gradio.live/join"),
    ],
)
def test_the_qr_code_is_an_svg_of_the_address(online, host, public, url):
    place = describe_place(host, 7860, public)
    assert place["url"] == url and place["public"] == bool(public)
    kind, _, data = place["code"].partition(",")
    assert kind.startswith("data:image/svg+xml")
    picture = xml.dom.minidom.parseString(unquote(data)).documentElement
    assert picture.tagName == "svg"
    same = segno.make(url, error="m", micro=False).svg_data_uri(light="#fff")
    assert place["code"] == same


def test_without_segno_one_line_names_what_to_install(tmp_path):
    program = "import sys; sys.modules['segno'] = None; import app; app.main()"
    checkpoint = ["--checkpoint", tmp_path / "none.safetensors"]
    done = run_python("-c", program, "--class", *checkpoint)
    assert done.returncode == 1 and not done.stdout
    assert done.stderr == "--class needs segno: python -m pip install -r requirements.txt\n"
