/**
 * The shapes of what crosses the WebSocket, as far as this SDK speaks it. The contract is signalling/PROTOCOL.md.
 * @module
 */

/** @typedef {"microphone" | "camera" | "screen"} Source what a published track shows */
/** @typedef {"lobby" | "admitted" | "held" | "reconnecting"} ParticipantState */
/** @typedef {"ended" | "left" | "removed" | "denied" | "taken_over" | "expired"} EndReason */

/** @typedef {{ audio: number, video: number }} Slots how many receive sections the client shall offer in all */
/** @typedef {{ minutes?: number | null, text?: string | null }} Notice what the host tells those who wait */
/** @typedef {{ position: number, waiting: number, notice: Notice | null }} Lobby place in the queue, from 1 */
/** @typedef {{ by: string | null, reason: string }} Pause who paused (null: nobody did) and why: `not_alone`, `host`, `no_host`, ... */
/**
 * @typedef {object} ParticipantInfo
 * @property {string} id
 * @property {string} name
 * @property {string} role `practitioner`, `patient`, `guardian`, `companion`, `interpreter` or `guest`
 * @property {ParticipantState} state
 * @property {number} [waited] seconds in the lobby so far, where the server tells it
 * @property {boolean} [removed_before] whether the person was removed or denied earlier in this room; for hosts
 */
/**
 * @typedef {object} TrackInfo a track of somebody else
 * @property {string} id
 * @property {string} participant
 * @property {"audio" | "video"} kind
 * @property {Source} source
 * @property {boolean} muted
 * @property {string | null} mid the receive section that carries it now
 */
/**
 * @typedef {object} Joined
 * @property {string} participant own id
 * @property {string} seat
 * @property {string} room
 * @property {string} role
 * @property {string} name
 * @property {"lobby" | "open"} gate
 * @property {Slots} slots
 * @property {RTCIceServer[]} ice_servers
 */

/** @typedef {{ type: string, re?: number, [field: string]: any }} ServerMessage */

export {};
