// The name that others see: what a grant says of it, and its initials, as the clinic makes them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { claimsOf, initials } from "../../web/shared/shown-name.js";

test("initials are the clinic's own", () => {
  const names = ["Kari Anne Nordmann", "åse-marie  øst", "(Per) 'Olsen", "李 小龍", "Jonas 2", "77"];
  assert.deepEqual(names.map(initials), ["K. A. N.", "Å. Ø.", "P. O.", "李. 小.", "J.", "77"]);
});

test("a grant says the name, and whether another may be chosen", () => {
  const grant = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.sig`;
  assert.deepEqual(claimsOf(grant({ name: "Åse Ø.", size: 5 })), { name: "Åse Ø.", shown: "Åse Ø.", size: 5, rename: false });
  assert.deepEqual(claimsOf(grant({ name: "Per", rename: true })), { name: "Per", shown: "Per", size: 2, rename: true });
  for (const other of [grant({}), "", "a.b.c"]) assert.equal(claimsOf(other), null);
});
