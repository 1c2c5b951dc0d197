"""SDP deflated for the wire: zlib (RFC 1950, the CompressionStream format `deflate`) in standard base64."""

import base64
import binascii
import zlib

from signalling.errors import MessageError
from signalling.messages import MAX_SOCKET


def pack(sdp: str) -> str:
    """What goes into `sdp_z`."""
    return base64.b64encode(zlib.compress(sdp.encode(), 6)).decode()


def unpack(packed: str) -> str:
    """The SDP in `sdp_z`, of at most 256 KiB: it is never inflated further than that (raises MessageError)."""
    try:
        data = base64.b64decode(packed, validate=True)
        inflater = zlib.decompressobj()
        sdp = inflater.decompress(data, MAX_SOCKET + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise MessageError("bad_message", "sdp_z") from error
    if len(sdp) > MAX_SOCKET:
        raise MessageError("too_big", "sdp_z")
    if not inflater.eof or inflater.unused_data:
        raise MessageError("bad_message", "sdp_z")
    try:
        return sdp.decode()
    except UnicodeDecodeError as error:
        raise MessageError("bad_message", "sdp_z") from error
