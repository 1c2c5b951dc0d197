"""What can be wrong with what a peer sends. Codes are stable: clients act on them and documents list them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SDP_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sdp_too_big": "The offer is larger than 256 KiB.",
        "sdp_malformed": "The offer is not SDP as RFC 8866 and 8829 write it, or a value is out of range.",
        "sdp_too_many_sections": "The offer has more than 128 media sections.",
        "sdp_no_bundle": "The offer does not bundle all its sections on one transport (RFC 9143).",
        "sdp_no_rtcp_mux": "The offer does not multiplex RTP and RTCP (RFC 5761).",
        "sdp_no_ice": "The bundled transport has no ICE user name fragment and password.",
        "sdp_no_fingerprint": "The bundled transport has no certificate fingerprint by sha-256, sha-384 or sha-512.",
        "sdp_bad_setup": "The offer does not let the client be the active side of DTLS: it must say actpass or active.",
        "sdp_unknown_track": "A listed track's section is not offered for sending, of another kind, or named twice.",
        "sdp_no_common_codec": "No section at all has a codec that the server takes.",
    }
)

DTLS_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "dtls_fingerprint": "The peer's certificate is not the one that its offer announced.",
        "dtls_no_certificate": "The peer showed no certificate.",
        "dtls_no_srtp_profile": "The peer offers none of our SRTP protection profiles.",
        "dtls_handshake": "The handshake failed: no common version or cipher, a forged message, or a fatal alert.",
        "dtls_timeout": "The handshake was not complete in time.",
        "dtls_flood": "The peer sent more than a handshake can need.",
        "dtls_closed": "The peer ended the handshake.",
        "dtls_internal": "The server failed in the handshake.",
    }
)


class SfuError(Exception):
    """Base of the package's errors; `code` is stable, the message is for people and names no secret and no address."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message or code


class SdpError(SfuError):
    """An offer that cannot be answered; the transport stays as it was."""

    def __init__(self, code: str, detail: str = "") -> None:
        meaning = SDP_CODES[code]
        super().__init__(code, f"{meaning} ({detail})" if detail else meaning)


class DtlsError(SfuError):
    """A handshake that failed."""

    def __init__(self, code: str, detail: str = "") -> None:
        meaning = DTLS_CODES[code]
        super().__init__(code, f"{meaning} ({detail})" if detail else meaning)
