"""Small pictures of pictures, as WebP. What is made small was decoded in the sandbox."""

from __future__ import annotations

import io

from ..sandbox.protocol import DecodedImage

_QUALITY = 78
MEDIA_TYPE = "image/webp"


def webp(decoded: DecodedImage, side: int) -> bytes:
    """A picture whose longer side has at most ``side`` pixels, without anything that its file says about it."""
    from PIL import Image

    with Image.frombytes("RGB", decoded.size, decoded.pixels) as image:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        stream = io.BytesIO()
        image.save(stream, "WEBP", quality=_QUALITY, method=4)
    return stream.getvalue()
