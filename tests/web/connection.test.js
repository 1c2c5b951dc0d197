// One WebSocket: replies find their requests, and a dead socket is found.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Connection, SUBPROTOCOL } from "../../web/sdk/connection.js";
import { FakeSocket, handTurnedClock, settle } from "./fakes.js";

beforeEach(() => (FakeSocket.made = []));

function connect() {
  const heard = [];
  const closed = [];
  const connection = new Connection({
    url: "ws://host/ws",
    onMessage: (message, command) => heard.push([message, command]),
    onClose: (reason) => closed.push(reason),
    socketClass: FakeSocket,
  });
  return { connection, socket: FakeSocket.last, heard, closed };
}

test("speaks the subprotocol", () => {
  const { socket, connection } = connect();
  assert.equal(socket.subprotocol, SUBPROTOCOL);
  connection.close();
});

test("a reply settles its request, whatever comes between", async () => {
  const { connection, socket, heard } = connect();
  socket.open();
  await connection.opened;
  const joined = connection.request("join", { grant: "g" });
  const answer = connection.request("offer", {});
  socket.say({ type: "lobby", position: 1 });
  socket.reply("offer", { type: "answer", sdp: "s" });
  socket.reply("join", { type: "joined", seat: "x" });
  assert.equal((await joined).seat, "x");
  assert.equal((await answer).sdp, "s");
  assert.deepEqual(heard.map(([message]) => message.type), ["lobby"]);
  connection.close();
});

test("an error rejects its request, or names the command it answers", async () => {
  const { connection, socket, heard } = connect();
  socket.open();
  const offer = connection.request("offer", {});
  socket.reply("offer", { type: "error", code: "sdp_invalid", message: "" });
  await assert.rejects(offer, { code: "sdp_invalid" });
  connection.send("admit", { participant: "p" });
  socket.reply("admit", { type: "error", code: "not_in_lobby", message: "" });
  assert.equal(heard[0][0].code, "not_in_lobby");
  assert.equal(heard[0][1], "admit");
  connection.close();
});

test("what is no JSON is passed over", () => {
  const { connection, socket, heard } = connect();
  socket.open();
  socket.onmessage({ data: "{" });
  assert.deepEqual(heard, []);
  connection.close();
});

test("pings every 5 s and lives while it is answered", async (context) => {
  const clock = handTurnedClock(context);
  const { connection, socket, closed } = connect();
  socket.open();
  for (let i = 0; i < 12; i++) {
    await clock.advance(5000);
    socket.reply("ping", { type: "pong" });
  }
  assert.deepEqual(closed, []);
  assert.ok(Math.abs(socket.sent.filter((one) => one.type === "ping").length - 12) <= 1);
  connection.close();
});

test("ten seconds of silence are a dead socket, found once", async (context) => {
  const clock = handTurnedClock(context);
  const { connection, socket, closed } = connect();
  socket.open();
  const offer = connection.request("offer", {});
  offer.catch(() => {});
  await clock.advance(8900);
  assert.deepEqual(closed, []);
  await clock.advance(1100);
  assert.deepEqual(closed, ["silent"]);
  await assert.rejects(offer, { code: "closed" });
  assert.equal(connection.send("leave"), false);
  socket.lose();
  assert.equal(closed.length, 1);
});

test("a request without a reply ends by itself", async (context) => {
  const clock = handTurnedClock(context);
  const { connection, socket } = connect();
  socket.open();
  const offer = connection.request("offer", {});
  const refused = assert.rejects(offer, { code: "timeout" });
  for (let i = 0; i < 16; i++) {
    socket.say({ type: "pong" });
    await clock.advance(1000);
  }
  await refused;
  connection.close();
});

test("a socket that can't be opened rejects and says so", async () => {
  const { connection, socket, closed } = connect();
  socket.lose();
  await assert.rejects(connection.opened, { code: "network" });
  assert.deepEqual(closed, ["1006"]);
});

test("closing it is no loss", async () => {
  const { connection, socket, closed } = connect();
  socket.open();
  connection.close();
  await settle();
  assert.deepEqual(closed, []);
});

test("a probe finds a dead socket in three seconds, and an answer puts it at ease", async (context) => {
  const clock = handTurnedClock(context);
  const { connection, socket, closed } = connect();
  socket.open();
  await clock.advance(1000);
  connection.probe();
  await clock.advance(1000);
  socket.reply("ping", { type: "pong" });
  await clock.advance(4500);
  assert.deepEqual(closed, []);
  socket.reply("ping", { type: "pong" });
  connection.probe();
  await clock.advance(2400);
  assert.deepEqual(closed, []);
  connection.probe();
  await clock.advance(1100);
  assert.deepEqual(closed, ["silent"]);
});

test("a page may set its own times", async (context) => {
  const clock = handTurnedClock(context);
  const closed = [];
  const times = { pingEvery: 1000, pongWithin: 1000 };
  new Connection({ url: "ws://host/ws", onMessage: () => {}, onClose: (reason) => closed.push(reason), socketClass: FakeSocket, times });
  FakeSocket.last.open();
  await clock.advance(2500);
  assert.deepEqual(closed, ["silent"]);
});

test("one that is closed while it opens rejects", async () => {
  const { connection, closed } = connect();
  connection.close();
  await assert.rejects(connection.opened, { code: "network" });
  assert.deepEqual(closed, []);
});
