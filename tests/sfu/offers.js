// What a page does to call: own audio and video, and pairs of receive sections. Runs in a browser without our SDK, so
// that the server is held to the standard and not to the SDK. Installs window.caller.
window.caller = {
  peer: null,

  /** A PeerConnection with own microphone and camera and `pairs` slots; returns its offer and the tracks to list. */
  async open({ pairs, simulcast }) {
    const peer = (this.peer = new RTCPeerConnection());
    const canvas = document.createElement("canvas");
    canvas.getContext("2d").fillRect(0, 0, 4, 4);
    const [picture] = canvas.captureStream(5).getVideoTracks();
    const [sound] = new AudioContext().createMediaStreamDestination().stream.getAudioTracks();
    peer.addTransceiver(sound, { direction: "sendonly" });
    const encodings = ["q", "h", "f"].map((rid, index) => ({ rid, scaleResolutionDownBy: 4 >> index }));
    peer.addTransceiver(picture, { direction: "sendonly", sendEncodings: simulcast ? encodings : undefined });
    this.grow(pairs);
    return this.offer();
  },

  grow(pairs) {
    for (let pair = 0; pair < pairs; pair++) {
      this.peer.addTransceiver("audio", { direction: "recvonly" });
      this.peer.addTransceiver("video", { direction: "recvonly" });
    }
  },

  stop(index) {
    this.peer.getTransceivers()[index].stop();
  },

  async offer(options) {
    await this.peer.setLocalDescription(await this.peer.createOffer(options));
    const sending = this.peer.getTransceivers().filter((t) => t.direction === "sendonly");
    const source = { audio: "microphone", video: "camera" };
    const tracks = sending.map((t) => ({
      mid: t.mid,
      kind: t.sender.track.kind,
      source: source[t.sender.track.kind],
    }));
    return { sdp: this.peer.localDescription.sdp, tracks };
  },

  /** What the browser made of the answer. */
  async accept(sdp) {
    await this.peer.setRemoteDescription({ type: "answer", sdp });
    return this.peer.getTransceivers().map((t) => ({
      mid: t.mid,
      current: t.currentDirection,
      kind: t.receiver.track.kind,
      encodings: t.sender.getParameters().encodings.map((encoding) => encoding.rid ?? null),
      codecs: t.sender.getParameters().codecs.map((codec) => codec.mimeType),
    }));
  },

  /** Resolves once the transport has left "new" and "connecting". */
  settled() {
    const { peer } = this;
    return new Promise((resolve) => {
      const look = () => {
        if (!["new", "connecting"].includes(peer.connectionState)) resolve(peer.connectionState);
      };
      peer.addEventListener("connectionstatechange", look);
      look();
    });
  },
};
