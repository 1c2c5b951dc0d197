// What covers a call that stands still, in the words that people read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mayResume, pauseCurtain } from "../../web/shared/pause.js";

const [PATIENT, HOST] = ["kari", "ingrid"];
const CALL = {
  held: false,
  paused: true,
  pauseInfo: { by: HOST, reason: "host" },
  isHost: false,
  participant: PATIENT,
  participants: [
    { id: PATIENT, name: "Kari" },
    { id: HOST, name: "Ingrid" },
  ],
};
const AS_HOST = { isHost: true, participant: HOST };
const UNSEEN = "Ingen ser eller hører deg nå.";
const HOST_RESUMES = "Behandleren starter samtalen igjen. Du trenger ikke å gjøre noe.";
const YOU_RESUME = "Trykk «Fortsett» når dere er klare.";
const by = (/** @type {string | null} */ id, reason = "host") => ({ pauseInfo: { by: id, reason } });

for (const [what, call, title, ...lines] of [
  ["the host took a pause", {}, "Pause", "Ingrid har tatt en pause.", UNSEEN, HOST_RESUMES],
  ["you, the host, took one", AS_HOST, "Pause", "Du har tatt en pause.", UNSEEN, YOU_RESUME],
  ["a patient is not alone, to the host", { ...AS_HOST, ...by(PATIENT, "not_alone") }, "Pause", "Kari er ikke alene akkurat nå, og tok en pause.", UNSEEN, YOU_RESUME],
  ["you are not alone, where others may read it", by(PATIENT, "not_alone"), "Pause", "Du har tatt en pause.", UNSEEN, HOST_RESUMES],
  ["another patient is not alone, which is not yours to know", { ...by(PATIENT, "not_alone"), participant: "ola" }, "Pause", "Kari har tatt en pause.", UNSEEN, HOST_RESUMES],
  ["whoever it was has left", by("gone", "not_alone"), "Pause", "Det er tatt en pause.", UNSEEN, HOST_RESUMES],
  ["you have just asked for it", { pauseInfo: null }, "Pause", "Du har tatt en pause.", UNSEEN, HOST_RESUMES],
  ["no host is here", by(null, "no_host"), "Pause", "Behandleren er ikke her akkurat nå.", UNSEEN, "Samtalen går videre når behandleren er tilbake. La siden være åpen."],
  ["you are held, whatever else there is", { held: true }, "Du er satt på vent", UNSEEN, "Behandleren henter deg inn igjen. La siden være åpen."],
]) {
  test(what, () => assert.deepEqual(pauseCurtain({ ...CALL, ...call }), { icon: "pause", title, lines }));
}

test("nothing covers a call that goes on", () => assert.equal(pauseCurtain({ ...CALL, paused: false }), null));

test("a host may end a pause, nobody else, and there must be one", () => {
  for (const [isHost, paused] of [[true, true], [true, false], [false, true], [false, false]]) {
    assert.equal(mayResume(/** @type {any} */ ({ ...CALL, isHost, paused })), isHost && paused);
  }
});
