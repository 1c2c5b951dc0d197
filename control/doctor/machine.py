"""Judges the host: clock, priority, buffers, offload, descriptors. Pure: facts in, findings out."""

from collections.abc import Iterator
from typing import Final

from control.doctor.findings import Finding, fail, ok, warn
from control.doctor.host import Host

_BUILT: Final = 1_764_547_200
"""2025-12-01: a clock before this is wrong."""
_KERNEL_BUFFER: Final = 4 << 20
"""What the media thread asks for; a test holds it to the wire."""
_DESCRIPTORS: Final = 4096
"""A WebSocket each, and what the process needs for itself."""


def judge(host: Host) -> Iterator[Finding]:
    """The findings in their order."""
    yield _clock(host)
    yield _priority(host)
    yield _buffers(host)
    yield _offload(host)
    yield _descriptors(host)


def _clock(host: Host) -> Finding:
    if host.wall < _BUILT:
        return fail("clock", "the clock is years behind", "set it: timedatectl set-ntp true")
    match host.synchronised:
        case True:
            return ok("clock", "kept by the network's time")
        case False:
            return warn(
                "clock",
                "nothing keeps the clock; grants fail once it is a minute off",
                "timedatectl set-ntp true (or apt-get install chrony)",
            )
        case None:
            return ok("clock", "plausible; the kernel does not tell whether something keeps it")


def _priority(host: Host) -> Finding:
    if host.raised_priority:
        return ok("priority", "the media thread gets raised priority")
    return warn(
        "priority",
        "the media thread gets no raised priority: with busy neighbours sound and picture come late",
        "LimitNICE=-10 in the unit (systemctl edit venterom), or the capability CAP_SYS_NICE",
    )


def _buffers(host: Host) -> Finding:
    small = [
        f"net.core.{name}_max={_KERNEL_BUFFER}"
        for name, size in (("rmem", host.receive_buffer), ("wmem", host.send_buffer))
        if size is not None and size < _KERNEL_BUFFER
    ]
    if small:
        return warn(
            "socket buffers",
            "the kernel gives media less than it asks for: bursts are lost on a busy server",
            f"sysctl -w {' '.join(small)}, and the same in /etc/sysctl.d/60-venterom.conf",
        )
    if host.receive_buffer is None:
        return ok("socket buffers", "the kernel does not tell their limit here")
    return ok("socket buffers", "as large as media asks for")


def _offload(host: Host) -> Finding:
    missing = [name for name, has in (("GSO", host.segmentation), ("GRO", host.coalescing)) if not has]
    if missing:
        return warn(
            "offload",
            f"no {' and no '.join(missing)} for UDP: media costs up to twice the CPU",
            "a kernel from 5.0 on has both: uname -r; in a sandbox such as gVisor there is none",
        )
    return ok("offload", "UDP goes and comes in runs (GSO, GRO)")


def _descriptors(host: Host) -> Finding:
    if host.descriptors < 0 or host.descriptors >= _DESCRIPTORS:
        return ok("file descriptors", "enough")
    return warn(
        "file descriptors",
        f"at most {host.descriptors}: every connection takes one",
        "LimitNOFILE=65536 in the unit (systemctl edit venterom), or ulimit -n 65536",
    )
