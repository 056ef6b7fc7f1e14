"""Find the address at which phones in the room reach this computer, and draw its QR code."""

import ipaddress
import socket

import segno

# Addresses on the routes that a computer may have: the default one, and those of the hotspots of
# Linux, Windows, macOS and Android. Nothing is sent to them.
PROBED_ADDRESSES = "192.0.2.1", "10.42.0.9", "192.168.137.9", "192.168.2.9", "192.168.43.9"
NO_NETWORK = """Phones cannot reach this computer. Connect it to the phones' Wi-Fi, or open a
hotspot on it; leave --host out, and reload the wall; or start again with --share, by internet."""


def find_room_address() -> str | None:
    """Return this computer's address in its network; None without a network."""
    for target in PROBED_ADDRESSES:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((target, 9))
                return str(probe.getsockname()[0])
            except OSError:
                continue
    return None


def describe_place(host: str, port: int, public_url: str | None) -> dict:
    """Return the present URL of the phones' page and its QR code, or what to do without one."""
    address = find_room_address() if ipaddress.ip_address(host).is_unspecified else host
    if not public_url and (address is None or ipaddress.ip_address(address).is_loopback):
        return {"url": None, "remedy": NO_NETWORK}
    local = f"http://[{address}]:{port}" if ":" in str(address) else f"http://{address}:{port}"
    url = (public_url or local).rstrip("/") + "/join"
    code = segno.make(url, error="m", micro=False).svg_data_uri(light="#fff")
    return {"url": url, "code": code, "public": bool(public_url)}
