// Put into each page before its own scripts: notes when things happened first, in wall time (ms).
(() => {
  /** @type {Record<string, number>} */
  const marks = {};
  window.venteromMarks = marks;
  const mark = (name, at = performance.now()) => {
    marks[name] ??= performance.timeOrigin + at;
  };

  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      mark("socket");
      super(...given);
      this.addEventListener("open", () => mark("open"));
      this.addEventListener("message", ({ data }) => mark(JSON.parse(data).type));
    }
    send(data) {
      mark(`${JSON.parse(data).type}-sent`);
      super.send(data);
    }
  };

  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      super(...given);
      this.addEventListener("connectionstatechange", () => mark(this.connectionState));
    }
  };

  // The first frame of somebody else that was decoded and handed on to be shown.
  const property = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
  Object.defineProperty(HTMLMediaElement.prototype, "srcObject", {
    ...property,
    set(stream) {
      property.set.call(this, stream);
      if (this.dataset.testid === "remote-video" && stream !== null) {
        this.requestVideoFrameCallback((_now, frame) => mark("frame", frame.presentationTime));
      }
    },
  });
})();
