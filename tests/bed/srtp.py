"""SRTP by libsrtp: the stranger that the wire's own SRTP has to agree with."""

from dataclasses import dataclass
from enum import IntEnum
from random import Random

from pylibsrtp import Error, Policy, Session


class Profile(IntEnum):
    """Ids of RFC 5764 and RFC 7714."""

    AES_CM_128_HMAC_SHA1_80 = 0x0001
    AEAD_AES_128_GCM = 0x0007
    AEAD_AES_256_GCM = 0x0008

    @property
    def key_length(self) -> int:
        """Octets of master key and salt together."""
        return {self.AES_CM_128_HMAC_SHA1_80: 30, self.AEAD_AES_128_GCM: 28, self.AEAD_AES_256_GCM: 44}[self]


_LIBSRTP = {
    Profile.AES_CM_128_HMAC_SHA1_80: Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    Profile.AEAD_AES_128_GCM: Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    Profile.AEAD_AES_256_GCM: Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """What DTLS would have given: each key is master key followed by salt."""

    profile: Profile
    send: bytes
    receive: bytes

    @classmethod
    def random(cls, profile: Profile, random: Random) -> "Keys":
        return cls(profile, random.randbytes(profile.key_length), random.randbytes(profile.key_length))

    def swapped(self) -> "Keys":
        """The same keys as the other side has them."""
        return Keys(self.profile, self.receive, self.send)


def _session(profile: Profile, key: bytes, ssrc_type: int) -> Session:
    policy = Policy(key=key, ssrc_type=ssrc_type, srtp_profile=_LIBSRTP[profile])
    policy.allow_repeat_tx = True
    policy.window_size = 1024
    return Session(policy)


class Sealing:
    """One direction out."""

    def __init__(self, profile: Profile, key: bytes) -> None:
        self._session = _session(profile, key, Policy.SSRC_ANY_OUTBOUND)

    def rtp(self, packet: bytes) -> bytes:
        return bytes(self._session.protect(packet))

    def rtcp(self, packet: bytes) -> bytes:
        return bytes(self._session.protect_rtcp(packet))


class Opening:
    """One direction in; whatever libsrtp refuses is nothing, and counted by its reason."""

    def __init__(self, profile: Profile, key: bytes) -> None:
        self._session = _session(profile, key, Policy.SSRC_ANY_INBOUND)
        self.refused: dict[str, int] = {}

    def rtp(self, datagram: bytes) -> bytes | None:
        try:
            return bytes(self._session.unprotect(datagram))
        except Error as error:
            self._refuse(error)
            return None

    def rtcp(self, datagram: bytes) -> bytes | None:
        try:
            return bytes(self._session.unprotect_rtcp(datagram))
        except Error as error:
            self._refuse(error)
            return None

    def _refuse(self, error: Error) -> None:
        reason = str(error)
        self.refused[reason] = self.refused.get(reason, 0) + 1
