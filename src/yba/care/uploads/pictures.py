"""Pictures drawn anew: only the points are taken over. A picture that would unfold into too much is refused unread."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps, UnidentifiedImageError

from yba.care.refusal import Refusal, refuse

#: 40 million points: more than a phone's camera makes, 160 MB while it is drawn.
MOST_POINTS: Final = 40_000_000
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
QUALITY: Final = 88


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture of ours."""

    content: bytes
    kind: str
    width: int
    height: int


def redrawn(content: bytes, *, longest: int) -> Drawn | Refusal:
    """The first frame, upright, at most ``longest`` points long, without EXIF, text or colour profile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as found:
                if found.width * found.height > MOST_POINTS:
                    return _too_large()
                if found.format == "JPEG":
                    found.draft("RGB", (longest, longest))  # decoded smaller where it is far too large
                return _drawn(ImageOps.exif_transpose(found), longest)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return _too_large()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError):
        # What Pillow raises for broken files differs by format.
        return refuse("upload.broken", _("Ảnh này hỏng hoặc không đọc được. Chụp hoặc lưu lại rồi gửi."))


def _drawn(image: Image.Image, longest: int) -> Drawn:
    clear = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    flat = image.convert("RGBA" if clear else "RGB")
    flat.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    clean = Image.new(flat.mode, flat.size)
    clean.paste(flat)
    out = io.BytesIO()
    if clear:
        clean.save(out, "PNG", optimize=True)
    else:
        clean.save(out, "JPEG", quality=QUALITY, optimize=True)
    return Drawn(out.getvalue(), "image/png" if clear else "image/jpeg", clean.width, clean.height)


def _too_large() -> Refusal:
    return refuse("upload.points", _("Ảnh có quá nhiều điểm ảnh. Gửi ảnh dưới 40 triệu điểm ảnh."))
