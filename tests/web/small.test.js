// The small parts: delays, packing, one own track, who waits since when.
import assert from "node:assert/strict";
import { test } from "node:test";
import { WaitingSince } from "../../web/clinic/waiting-since.js";
import { backoff } from "../../web/sdk/backoff.js";
import { deflate, inflate, SDP_LIMIT } from "../../web/sdk/deflate.js";
import { Wait } from "../../web/sdk/patience.js";
import { Remote } from "../../web/sdk/remote.js";
import { offerRepair } from "../../web/sdk/repair.js";
import { Sender } from "../../web/sdk/sender.js";
import { settle } from "./fakes.js";

test("delays grow, stay bounded, and differ", () => {
  for (let attempt = 0; attempt < 100; attempt++) {
    const [least, most] = [backoff(attempt, () => 0), backoff(attempt, () => 1)];
    assert.ok(least >= 150 && least * 2 === most && most <= 8000, `${attempt}: ${least} to ${most}`);
    assert.ok(backoff(attempt + 1, () => 0) >= least);
  }
});

test("an SDP comes back as it was", async () => {
  for (const text of ["", "v=0\r\n", "a=msid:blåbær\r\n".repeat(9000)]) assert.equal(await inflate(await deflate(text)), text);
});

test("a small packet that unpacks to too much is refused", async () => {
  await assert.rejects(inflate(await deflate("a".repeat(SDP_LIMIT + 1))), { code: "too_big" });
});

test("what is no zlib is refused", async () => {
  await assert.rejects(inflate("AAAA"));
});

test("lost sound is offered to be sent again, in each section of sound, once", () => {
  const sound = (type) => `m=audio 9 UDP/TLS/RTP/SAVPF 63 ${type}\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:${type} opus/48000/2\r\n`;
  const rest = "a=rtcp-fb:111 transport-cc\r\n";
  const picture = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n";
  const nack = (type) => `a=rtcp-fb:${type} nack\r\n`;
  const offer = `v=0\r\n${sound(111)}${rest}${picture}${sound(109)}`;
  const wanted = `v=0\r\n${sound(111)}${nack(111)}${rest}${picture}${sound(109)}${nack(109)}`;
  assert.equal(offerRepair(offer), wanted);
  assert.equal(offerRepair(wanted), wanted);
  for (const other of ["", "v=0\r\n", picture]) assert.equal(offerRepair(other), other);
});

/** Looks at a player every two seconds: with so many requests and concealed samples in each. Says after how many it waits, or no longer does. */
function looked(wait, from, { requests, concealed }, limit = 100) {
  const before = wait.look(from.at, from.counts);
  for (let count = 1; count <= limit; count++) {
    from.at += 2000;
    from.counts.requests += requests;
    from.counts.concealed += concealed;
    from.counts.samples += 96_000;
    if (wait.look(from.at, { ...from.counts }) !== before) return count;
  }
  return null;
}

test("a player waits while sound is lost in vain, and no longer", () => {
  const at = () => ({ at: 1000, counts: { requests: 0, concealed: 0, samples: 0 } });
  assert.equal(looked(new Wait(), at(), { requests: 0, concealed: 5000 }), null, "a busy machine");
  assert.equal(looked(new Wait(), at(), { requests: 4, concealed: 400 }), null, "what is lost is mended");
  const wait = new Wait();
  const player = at();
  assert.equal(looked(wait, player, { requests: 4, concealed: 2000 }), 3, "two of a hundred");
  assert.equal(looked(wait, player, { requests: 4, concealed: 0 }), null, "while it goes on");
  assert.equal(looked(wait, player, { requests: 0, concealed: 0 }), 14, "half a minute after the end");
  assert.equal(looked(wait, player, { requests: 4, concealed: 2000 }), 3, "again");
});

/** A transceiver that takes its time. */
function slowTransceiver(kind) {
  const log = [];
  const parameters = { encodings: [{ active: true }] };
  const sender = {
    track: null,
    async replaceTrack(track) {
      await settle();
      log.push(track);
      sender.track = track;
    },
    getParameters: () => structuredClone(parameters),
    async setParameters(changed) {
      await settle();
      parameters.encodings = changed.encodings;
    },
  };
  return { log, parameters, transceiver: /** @type {any} */ ({ mid: "0", sender, receiver: { track: { kind } } }) };
}

const [FIRST, SECOND] = [{}, {}].map((track) => /** @type {any} */ (track));

test("a closed camera is neither attached nor active", async () => {
  const { transceiver, parameters } = slowTransceiver("video");
  const sender = new Sender(transceiver);
  await sender.send(FIRST);
  assert.deepEqual([transceiver.sender.track, parameters.encodings[0].active], [FIRST, true]);
  await sender.send(null);
  assert.deepEqual([transceiver.sender.track, parameters.encodings[0].active], [null, false]);
});

test("the last wish wins, however many come at once", async () => {
  const { transceiver, parameters } = slowTransceiver("video");
  const sender = new Sender(transceiver);
  const all = [sender.send(FIRST), sender.send(null), sender.send(SECOND), sender.send(null)];
  await Promise.all(all);
  for (let i = 0; i < 20; i++) await settle();
  assert.deepEqual([transceiver.sender.track, parameters.encodings[0].active], [null, false]);
});

test("a closed peer connection is no fault of the sender", async () => {
  const { transceiver } = slowTransceiver("audio");
  transceiver.sender.replaceTrack = () => Promise.reject(new Error("closed"));
  const sender = new Sender(transceiver);
  await sender.send(FIRST);
  await sender.send(null);
});

const waiting = (id, waited) => /** @type {any} */ ({ id, ...(waited !== undefined && { waited }) });
const ids = (people) => people.map((one) => one.id);

test("longest waiting first, by the server's word", () => {
  let now = 1_000_000;
  const since = new WaitingSince(() => now);
  assert.deepEqual(ids(since.order([waiting("a", 10), waiting("b", 300)])), ["b", "a"]);
  now += 60_000;
  assert.equal(since.waited("b"), 360_000);
  assert.equal(since.waited("nobody"), null);
});

test("without the server's word, since first seen; who comes back starts anew", () => {
  let now = 0;
  const since = new WaitingSince(() => now);
  since.order([waiting("a"), waiting("b")]);
  now = 60_000;
  assert.deepEqual(ids(since.order([waiting("b"), waiting("c")])), ["b", "c"]);
  now = 90_000;
  assert.deepEqual(ids(since.order([waiting("a"), waiting("b"), waiting("c")])), ["b", "c", "a"]);
  assert.equal(since.waited("a"), 0);
});

test("who speaks is known of whoever is here", () => {
  globalThis.MediaStream ??= class {};
  const remote = new Remote(() => "me");
  const person = (id) => ({ id, name: id, role: "patient", state: "admitted" });
  remote.setParticipants([person("me"), person("anna"), person("bo")]);
  remote.setSpeakers(["bo", "me", "gone"]);
  assert.deepEqual(remote.speakers, ["bo", "me"]);
  assert.deepEqual(remote.participants.map((one) => one.speaking), [true, false, true]);
  remote.setSpeakers([]);
  assert.deepEqual(remote.participants.map((one) => one.speaking), [false, false, false]);
});
