"""A real coturn with `configs/turnserver.conf`, on free ports, with a certificate and a folder of its own."""

import asyncio
import base64
import contextlib
import datetime
import hashlib
import socket
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from shutil import which
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from sfu.addresses import announced
from signalling.config import TurnConfig
from signalling.turn import Turn
from tests.ports import free_port

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "configs" / "turnserver.conf"
SECRET: Final = "5f3c0b7a9e8d4c1f2a6b5d4e3f2a1b0c"
_READY_S: Final = 30.0


def host_address() -> str:
    """An IPv4 address of this host that is not loopback, which coturn relays to in no case."""
    found = [address for address, _ in announced((), 0) if ":" not in address and not ip_address(address).is_loopback]
    assert found, "this host has no address but loopback"
    return found[0]


def configuration(changes: dict[str, str]) -> str:
    """The example with other values; a key that the example does not have is an error."""
    lines = EXAMPLE.read_text().splitlines()
    keys = {line.partition("=")[0] for line in lines}
    assert changes.keys() <= keys, changes.keys() - keys
    return "\n".join(f"{key}={changes[key]}" if (key := line.partition("=")[0]) in changes else line for line in lines)


@dataclass(slots=True)
class Coturn:
    """A running one. `spki` is the hash of the certificate's key, for browsers that are to trust it."""

    process: asyncio.subprocess.Process
    address: str
    port: int
    tls_port: int
    spki: str
    secret: Path

    @classmethod
    async def start(cls, data: Path, *media: str) -> Self:
        """Relays to the media server's addresses alone; from one of IPv6 too (loopback) where one of them is."""
        binary = which("turnserver")
        assert binary is not None, "coturn is not installed: apt-get install coturn"
        address, port, tls_port = host_address(), free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
        spki = _certificate(data, address)
        text = configuration(
            {
                "listening-port": str(port),
                "tls-listening-port": str(tls_port),
                "listening-ip": address,
                "relay-ip": "\nrelay-ip=".join([address, *(["::1"] if any(":" in one for one in media) else [])]),
                "cert": str(data / "turn.pem"),
                "pkey": str(data / "turn.key"),
                "static-auth-secret": SECRET,
                "allowed-peer-ip": "\nallowed-peer-ip=".join(media),
            }
        ).replace("\nsyslog", "\nlog-file=stdout")
        (data / "turnserver.conf").write_text(f"{text}\npidfile={data}/turn.pid\nuserdb={data}/turn.db\n")
        (data / "turn-secret").write_text(f"{SECRET}\n")
        process = await asyncio.create_subprocess_exec(
            *(binary, "-c", str(data / "turnserver.conf")),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        running = cls(process, address, port, tls_port, spki, data / "turn-secret")
        await running._until_it_listens()
        return running

    @property
    def urls(self) -> dict[str, str]:
        """By the way to it."""
        return {
            "udp": f"turn:{self.address}:{self.port}?transport=udp",
            "tcp": f"turn:{self.address}:{self.port}?transport=tcp",
            "tls": f"turns:{self.address}:{self.tls_port}?transport=tcp",
        }

    def credential(self, now: float, lifetime: int = 600) -> tuple[str, str]:
        """As signalling hands it out."""
        server = Turn.read(TurnConfig(urls=("turn:x",), secret=self.secret, lifetime=lifetime)).server(now)
        assert server.username is not None
        assert server.credential is not None
        return server.username, server.credential

    async def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        await self.process.wait()

    async def _until_it_listens(self) -> None:
        async with asyncio.timeout(_READY_S):
            for port in (self.port, self.tls_port):
                while True:
                    assert self.process.returncode is None, "coturn ended at once"
                    try:
                        _, writer = await asyncio.open_connection(self.address, port)
                    except OSError:
                        await asyncio.sleep(0.05)
                    else:
                        writer.close()
                        await writer.wait_closed()
                        break


def _certificate(data: Path, address: str) -> str:
    """Writes key and certificate, and gives the hash of the key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (data / "turn.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (data / "turn.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(public).digest()).decode()
