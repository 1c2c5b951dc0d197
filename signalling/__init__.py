"""The room: lobby, admission, pause, roles, over a WebSocket. PROTOCOL.md is its contract with front ends."""
