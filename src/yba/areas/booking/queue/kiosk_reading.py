"""Reading a QR code in a camera picture, and the kiosk's script. The picture lives as long as the request."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Final

import zxingcpp
from PIL import Image, UnidentifiedImageError

#: Larger than any camera frame of the script; a picture that claims more is not opened.
MOST_PIXELS: Final = 4_000_000


def text_in(picture: bytes) -> str:
    """The text of the first QR code; nothing when there is none, or no picture."""
    try:
        with Image.open(io.BytesIO(picture), formats=("JPEG", "PNG")) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return ""
            grey = opened.convert("L")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        return ""
    found = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return next((one.text for one in found if one.text), "")


@cache
def script() -> str:
    """The script, as it is in the package."""
    return Path(__file__).with_name("kiosk.js").read_text("utf-8")
