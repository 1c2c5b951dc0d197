// Put into every page before its own scripts. It watches what the page uses, and changes it only where a test asks.
(() => {
  const test = { sockets: [], peers: [], streams: [], frames: [] };
  // What a test asks for: a painted camera of one colour (`second`: another device's) or of four in its quarters, and a
  // pulsing tone (Hz) for a microphone.
  Object.assign(test, { colour: null, second: null, quarters: null, tone: null, stubborn: false, decodes: null });
  // The firewall that a page is behind: "tcp" and "relay" say what alone it lets through.
  test.only = null;
  // Who the page is to the room.
  test.participant = null;
  // The names of the encodings in which the camera is sent at once, the smallest first.
  test.simulcast = null;
  window.venteromTest = test;

  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      test.sockets.push(this);
      this.addEventListener("message", ({ data }) => {
        if (String(data).includes('"type":"joined"')) test.participant = JSON.parse(data).participant;
      });
    }
  };
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...given) {
      super(...given);
      // A firewall that lets only a TURN server through.
      if (test.only === "relay") this.setConfiguration({ ...this.getConfiguration(), iceTransportPolicy: "relay" });
      test.peers.push(this);
    }

    addTransceiver(kind, init = {}) {
      const { sendEncodings } = init;
      if (test.stubborn && init.direction === "sendonly") return this.addStubborn(kind, init);
      if (test.simulcast === null || sendEncodings === undefined) return super.addTransceiver(kind, init);
      const most = 2 ** (test.simulcast.length - 1);
      const encodings = test.simulcast.map((rid, n) => ({ ...sendEncodings[0], rid, scaleResolutionDownBy: most / 2 ** n }));
      return super.addTransceiver(kind, { ...init, sendEncodings: encodings });
    }

    // A stubborn page sends from the start, in the lobby and after a reconnect too.
    addStubborn(kind, { sendEncodings, ...init }) {
      const encodings = sendEncodings?.map((encoding) => ({ ...encoding, active: true }));
      const made = super.addTransceiver(kind, encodings ? { ...init, sendEncodings: encodings } : init);
      const own = test.streams.flatMap((stream) => stream.getTracks()).filter((track) => track.kind === kind && track.readyState === "live");
      if (own.length > 0) void replaceTrack.call(made.sender, own.at(-1));
      return made;
    }

    // A firewall that lets no UDP through: the browser knows of no place to send it to.
    setRemoteDescription(description) {
      if (test.only !== "tcp") return super.setRemoteDescription(description);
      const sdp = description.sdp.replace(/^a=candidate:\S+ 1 udp .*\r\n/gm, "");
      return super.setRemoteDescription({ type: description.type, sdp });
    }
  };

  const devices = navigator.mediaDevices;
  if (!devices) return;
  const getUserMedia = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    const other = constraints.video?.deviceId?.exact === OTHER.deviceId;
    const stream = await getUserMedia(other ? { ...constraints, video: true } : constraints);
    for (const track of stream.getTracks()) {
      const video = track.kind === "video";
      if (video ? (test.colour ?? test.quarters) === null : test.tone === null) continue;
      const deviceId = video && other ? OTHER.deviceId : track.getSettings().deviceId;
      track.stop();
      stream.removeTrack(track);
      stream.addTrack(video ? painted(deviceId) : sounding(deviceId));
    }
    test.streams.push(stream);
    return stream;
  };

  // Firefox has a single fake camera.
  const OTHER = { kind: "videoinput", deviceId: "other", groupId: "other", label: "Other camera" };
  const enumerateDevices = devices.enumerateDevices.bind(devices);
  devices.enumerateDevices = async () => {
    const found = await enumerateDevices();
    const cameras = found.filter(({ kind }) => kind === OTHER.kind);
    return test.second !== null && cameras.length === 1 ? [...found, OTHER] : found;
  };

  // A camera that shows four colours, or one, which the test may change at any moment; another device may show another.
  // (Chromium's own fake devices cannot follow one upon the other: their clocks start anew, and its encoder drops old frames.)
  let first = null;
  function painted(deviceId) {
    first ??= deviceId;
    const canvas = document.createElement("canvas");
    // Browsers send small pictures in one encoding, whatever they are asked for.
    [canvas.width, canvas.height] = test.simulcast === null ? [320, 180] : [960, 540];
    const context = canvas.getContext("2d");
    let count = 0;
    setInterval(() => {
      const colour = deviceId === first ? test.colour : (test.second ?? test.colour);
      const [width, height] = [canvas.width / 2, canvas.height / 2];
      (test.quarters ?? Array(4).fill(colour)).forEach((one, index) => {
        context.fillStyle = one;
        context.fillRect((index % 2) * width, Math.floor(index / 2) * height, width, height);
      });
      context.fillStyle = count++ % 2 ? "#808080" : "#909090"; // something moves, so every frame is sent
      context.fillRect(0, 0, 8, 8);
    }, 1000 / 30);
    return named(canvas.captureStream(30).getVideoTracks()[0], deviceId);
  }

  function sounding(deviceId) {
    const context = new AudioContext();
    const { sampleRate } = context;
    const pulse = new AudioBuffer({ length: sampleRate / 2, sampleRate });
    const samples = pulse.getChannelData(0);
    for (let i = 0; i < sampleRate / 4; i++) samples[i] = 0.5 * Math.sin((2 * Math.PI * test.tone * i) / sampleRate);
    const source = new AudioBufferSourceNode(context, { buffer: pulse, loop: true });
    const destination = context.createMediaStreamDestination();
    source.connect(destination);
    source.start();
    return named(destination.stream.getAudioTracks()[0], deviceId);
  }

  function named(track, deviceId) {
    const getSettings = track.getSettings.bind(track);
    track.getSettings = () => ({ ...getSettings(), deviceId });
    return track;
  }

  // A stubborn page keeps sending where ours would stop, so that only the server can hold it back.
  const replaceTrack = RTCRtpSender.prototype.replaceTrack;
  RTCRtpSender.prototype.replaceTrack = function (track) {
    return test.stubborn && track === null ? Promise.resolve() : replaceTrack.call(this, track);
  };
  const setParameters = RTCRtpSender.prototype.setParameters;
  RTCRtpSender.prototype.setParameters = function (parameters) {
    if (test.stubborn) for (const encoding of parameters.encodings ?? []) encoding.active = true;
    if (test.simulcast) for (const encoding of parameters.encodings ?? []) encoding.active = parameters.encodings[0].active;
    return setParameters.call(this, parameters);
  };

  // A page that decodes only some of what the browser does: what it receives in names nothing else.
  const setCodecPreferences = RTCRtpTransceiver.prototype.setCodecPreferences;
  RTCRtpTransceiver.prototype.setCodecPreferences = function (codecs) {
    const known = (codec) => !/^video/i.test(codec.mimeType) || [...test.decodes, "video/rtx"].includes(codec.mimeType.toLowerCase());
    const limited = test.decodes !== null && this.direction === "recvonly";
    return setCodecPreferences.call(this, limited ? codecs.filter(known) : codecs);
  };

  const pixels = document.createElement("canvas");
  const reader = pixels.getContext("2d", { willReadFrequently: true });
  test.grid = (video, columns, rows) => {
    [pixels.width, pixels.height] = [columns, rows];
    reader.imageSmoothingQuality = "low";
    reader.drawImage(video, 0, 0, columns, rows);
    const { data } = reader.getImageData(0, 0, columns, rows);
    return Array.from({ length: columns * rows }, (_, i) => [data[4 * i], data[4 * i + 1], data[4 * i + 2]]);
  };

  // How many frames a video has shown. Firefox counts none of a stream's in getVideoPlaybackQuality().
  test.shown = (video) => {
    if (!video?.srcObject) return 0;
    return video.mozPaintedFrames ?? video.getVideoPlaybackQuality().totalVideoFrames;
  };

  // The colour in the middle of every frame that such an element shows, one that the page makes later too.
  test.watch = (selector) => {
    const watched = new WeakSet();
    const attach = () => {
      for (const video of document.querySelectorAll(selector)) {
        if (watched.has(video)) continue;
        watched.add(video);
        const seen = () => {
          test.frames.push({ wall: Date.now(), colour: test.grid(video, 3, 3)[4] });
          video.requestVideoFrameCallback(seen);
        };
        video.requestVideoFrameCallback(seen);
      }
    };
    attach();
    new MutationObserver(attach).observe(document, { childList: true, subtree: true });
  };

  // Loudest frequency (Hz) and its level (dB) of a stream within a time.
  test.listen = async (stream, milliseconds) => {
    const context = new AudioContext(); // of another rate Firefox takes no stream
    await context.resume();
    const analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 });
    context.createMediaStreamSource(new MediaStream(stream.getAudioTracks())).connect(analyser);
    const bins = new Float32Array(analyser.frequencyBinCount);
    let best = { hertz: 0, decibel: -Infinity };
    for (const end = performance.now() + milliseconds; performance.now() < end; ) {
      await new Promise((done) => setTimeout(done, 40));
      analyser.getFloatFrequencyData(bins);
      bins.forEach((decibel, bin) => {
        if (decibel > best.decibel) best = { hertz: (bin * context.sampleRate) / 4096, decibel };
      });
    }
    await context.close();
    return best;
  };

  // Wall times (ms) at which a stream's sound rises out of silence, and at which its picture turns white.
  test.flashesAndClicks = async (stream, milliseconds) => {
    const video = document.createElement("video");
    video.muted = true;
    video.srcObject = stream;
    await video.play();
    const flashes = [];
    let light = true;
    const seen = (_now, frame) => {
      const bright = test.grid(video, 3, 3)[4][1] > 128;
      if (bright && !light) flashes.push(performance.timeOrigin + frame.expectedDisplayTime);
      light = bright;
      video.requestVideoFrameCallback(seen);
    };
    video.requestVideoFrameCallback(seen);

    const context = new AudioContext({ sampleRate: 48000 });
    await context.resume();
    const analyser = new AnalyserNode(context, { fftSize: 16384 });
    context.createMediaStreamSource(new MediaStream(stream.getAudioTracks())).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const clicks = [];
    for (const end = performance.now() + milliseconds; performance.now() < end; ) {
      await new Promise((done) => setTimeout(done, 100));
      const now = performance.timeOrigin + performance.now();
      analyser.getFloatTimeDomainData(samples);
      // The buffer ends now.
      let quiet = 0;
      samples.forEach((sample, i) => {
        if (Math.abs(sample) < 0.05) quiet++;
        else {
          if (quiet > 4800) clicks.push(now - ((samples.length - i) / 48000) * 1000);
          quiet = 0;
        }
      });
    }
    await context.close();
    video.srcObject = null;
    return { flashes, clicks };
  };

  // A page of small print, as of a prescription; and how like it a picture is: 1 is the print itself, 0 nothing of it.
  test.print = (context, width, height) => {
    Object.assign(context, { fillStyle: "#ffffff", font: "10px sans-serif" });
    context.fillRect(0, 0, width, height);
    context.fillStyle = "#000000";
    for (let line = 0; line * 14 + 12 < height; line++) {
      context.fillText(`${line}: Paracetamol 500 mg, 1 tablett inntil 4 ganger daglig ved behov. Maks 4 g i døgnet. `.repeat(4), 4, line * 14 + 12);
    }
  };
  test.sharpness = (video) => {
    const [width, height] = [1280, 720];
    const luma = (draw) => {
      const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
      draw(context);
      const { data } = context.getImageData(320, 180, 640, 360);
      return Float32Array.from({ length: data.length / 4 }, (_, at) => 0.3 * data[4 * at] + 0.59 * data[4 * at + 1] + 0.11 * data[4 * at + 2]);
    };
    const [one, other] = [luma((context) => test.print(context, width, height)), luma((context) => context.drawImage(video, 0, 0, width, height))];
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [a, b] = [mean(one), mean(other)];
    let [product, left, right] = [0, 0, 0];
    one.forEach((value, at) => {
      product += (value - a) * (other[at] - b);
      left += (value - a) ** 2;
      right += (other[at] - b) ** 2;
    });
    return product / Math.sqrt(left * right || 1);
  };
})();
