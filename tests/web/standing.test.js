// Where we stand, and whether anything may leave the browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Standing } from "../../web/sdk/standing.js";

const LOBBY = { type: "lobby", position: 1, waiting: 1, notice: null };
const PAUSED = { type: "paused", by: "host", reason: "host" };
const PEOPLE = { type: "participants", participants: [] };
const [ADMITTED, HELD, RELEASED, RESUMED, TRACKS] = ["admitted", "held", "released", "resumed", "tracks"].map((type) => ({ type }));

/** A step is a message of the server, or a method by name. */
function after(...steps) {
  const standing = new Standing();
  for (const step of steps) apply(standing, step);
  return standing;
}

function apply(standing, step) {
  if (typeof step !== "string") return standing.receive(step);
  const [name, argument] = step.split(":");
  if (name === "media") return standing.media(argument === "down");
  if (name === "ask") return standing.ask({ by: "me", reason: "not_alone" });
  if (name === "finish") return standing.finish(argument);
  return standing[name]();
}

const IN = ["joined", ADMITTED, PEOPLE];

for (const [steps, state, open] of [
  [[], "connecting", false],
  [["joined"], "connecting", false],
  [["joined", LOBBY], "lobby", false],
  [["joined", ADMITTED], "connecting", false],
  [IN, "call", true],
  [["joined", ADMITTED, TRACKS], "call", true],
  [["joined", LOBBY, ADMITTED], "call", true],
  [["joined", ADMITTED, HELD, PEOPLE], "held", false],
  [["joined", ADMITTED, PAUSED, PEOPLE], "paused", false],
  [[...IN, HELD], "held", false],
  [[...IN, HELD, RELEASED], "call", true],
  [[...IN, PAUSED], "paused", false],
  [[...IN, PAUSED, RESUMED], "call", true],
  [[...IN, PAUSED, HELD, RESUMED], "held", false],
  [[...IN, PAUSED, HELD, RELEASED], "paused", false],
  [[...IN, LOBBY], "lobby", false],
  [[...IN, PAUSED, LOBBY, ADMITTED], "call", true],
  [[...IN, LOBBY, ADMITTED, PAUSED], "paused", false],
  // Our own pause closes before the server has heard of it, and outlives the connection.
  [[...IN, "ask"], "paused", false],
  [[...IN, "ask", "declined"], "call", true],
  [[...IN, "ask", PAUSED, RESUMED], "call", true],
  [[...IN, "down", "ask"], "reconnecting", false],
  [[...IN, "ask", "down", ...IN], "paused", false],
  // Without the server media goes on as it was, and what was closed stays closed until all is known.
  [[...IN, "down"], "reconnecting", true],
  [[...IN, "down", "joined", ADMITTED], "reconnecting", true],
  [[...IN, "down", "joined", LOBBY], "lobby", false],
  [[...IN, "down", "joined", ADMITTED, HELD], "reconnecting", false],
  [[...IN, PAUSED, "down"], "reconnecting", false],
  [[...IN, PAUSED, "down", "joined", ADMITTED], "reconnecting", false],
  [[...IN, PAUSED, "down", "joined", ADMITTED, PAUSED, PEOPLE], "paused", false],
  [[...IN, PAUSED, "down", ...IN], "call", true],
  [["joined", LOBBY, "down", ...IN], "call", true],
  [[...IN, "media:down"], "reconnecting", true],
  [[...IN, "media:down", "media:up"], "call", true],
  [["joined", LOBBY, "media:down"], "lobby", false],
  [[...IN, "finish:ended"], "ended", false],
  [[...IN, "finish:ended", ...IN], "ended", false],
  [["finish:error"], "error", false],
]) {
  const name = steps.map((step) => step.type ?? step).join(" ") || "nothing yet";
  test(`${name}: ${state}, ${open ? "open" : "closed"}`, () => {
    const standing = after(...steps);
    assert.deepEqual([standing.state, standing.open], [state, open]);
  });
}

test("in any order of up to five steps, nothing is open in the lobby, held, paused or over", () => {
  const steps = ["joined", "down", "ask", "declined", LOBBY, ADMITTED, HELD, RELEASED, PAUSED, RESUMED, PEOPLE, "finish:ended"];
  for (let number = 0; number < steps.length ** 5; number++) {
    const standing = new Standing();
    for (let rest = number, i = 0; i < 5; i++, rest = Math.floor(rest / steps.length)) apply(standing, steps[rest % steps.length]);
    const shut = standing.lobby !== null || standing.held || standing.pause !== null || standing.over || standing.state === "connecting";
    if (shut && standing.open) assert.fail(`open after number ${number}`);
  }
});
