"""Hostile input: what broke other servers, and what floods do to ours. Each class of attack has its test.

| class | where | figure |
|---|---|---|
| DTLS ClientHello race | `test_dtls`: forged Hellos around 1,000 handshakes | 0 failures |
| DTLS memory, CPU, identity | `test_dtls`: fragments; fingerprint; no or wrong proof of key | only the sender fails |
| STUN flood, amplification | `test_stun` | reply bytes <= request bytes; unknown names get silence; 20,000 checks |
| RTP and SSRC injection | `test_injection`: each state of ICE; another's SSRC, mid, RTCP | 0 forwarded |
| invalid SRTP | `test_srtp`: 1,000,000 bad tags | the call is whole |
| SRTP replay | `test_srtp`: ages 1 to 1,200, over a roll-over | 0 accepted |
| RTCP and PLI storms | `test_keyframe_storm`: 50 receivers, 100 requests a second each | <= 2 a second upstream |
| malformed feedback | `test_feedback`: all lengths; in `sfu/wire` browsers' own, damaged | 0 panics, others unharmed |
| SDP bombs | `test_sdp` | refused, each within a second of CPU on a loaded machine |
| WebSocket and HTTP floods | `test_websocket`, `test_slowloris` | 2,000 slow sockets, every broken frame its code |

Autobahn's suite is not run: it is written for Python 2, and most of its cases want an echo, which `/ws` is not. What
its sections ask, `test_websocket` asks: pings and pongs (2), reserved bits (3), opcodes (4) and pieces (5), each with
the code that RFC 6455 gives; UTF-8 at its edges and over pieces (6); how a close may look (7); what is too large or
too much (9). Compression (12, 13) is never agreed, so that its bit is a reserved one.
"""
