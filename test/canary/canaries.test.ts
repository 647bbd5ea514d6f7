import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { createCanaries } from "./canaries.ts";

const token = `ghs_424242_${randomBytes(150).toString("base64url")}.${randomBytes(30).toString("base64url")}`;
const canaries = createCanaries();
canaries.add("a token", token);
canaries.add("a key", `-----BEGIN KEY-----\n${randomBytes(48).toString("base64")}\n-----END KEY-----\n`);
const search = (text: string) => canaries.search([{ where: "the log", text }]);
const part = (at: number, length = 12) => token.slice(at, at + length);

describe("a leak that was planted", () => {
  test.each<[string, () => string]>([
    ["whole", () => `{"event":"x","token":"${token}"}`],
    ["twelve characters of it", () => `{"note":"${part(37)}"}`],
    ["its first twelve", () => `… ${part(0)} …`],
    ["its last twelve", () => `… ${token.slice(-12)} …`],
    ["between other letters", () => `xyz${part(60)}xyz`],
    ["in base64", () => Buffer.from(token).toString("base64")],
    ["in base64 after one other character", () => Buffer.from(`:${token}`).toString("base64")],
    ["in base64 after two", () => Buffer.from(`ab${token}`).toString("base64")],
    ["as an HTTP Basic header", () => `Basic ${Buffer.from(`client:${token}`).toString("base64")}`],
    ["in base64url", () => Buffer.from(`{"a":"${token}"}`).toString("base64url")],
    ["twelve of it in base64", () => Buffer.from(`some words ${part(21, 14)} and more`).toString("base64")],
    ["in hex", () => Buffer.from(token).toString("hex")],
    ["in capital hex", () => Buffer.from(token).toString("hex").toUpperCase()],
    ["twelve of it in hex", () => `\\x00${Buffer.from(part(33)).toString("hex")}ff`],
    ["URL-encoded character by character", () => encodeAll(part(50, 20))],
    ["in a URL", () => `https://x.example/cb?code=${encodeURIComponent(token)}&state=1`],
  ])("is found: %s", (_, plant) => {
    expect(search(plant())).toContainEqual(expect.stringMatching(/^a token.* in the log$/));
  });

  test("is found in a line of a key", () => {
    const [name] = Object.keys(canaries.counts()).filter((one) => one === "a key");
    expect(name).toBe("a key");
    const other = createCanaries();
    other.add("a key", `-----BEGIN KEY-----\n${"Ab3+".repeat(16)}\n${"Zy9/".repeat(16)}\n-----END KEY-----`);
    expect(other.counts()).toEqual({ "a key": 2 });
    expect(other.search([{ where: "page", text: `{"pem":"\\n${"Zy9/".repeat(16)}\\n"}` }])).toEqual(["a key in page"]);
  });

  test("is told by name and place, and not by value", () => {
    const told = search(token).join();
    for (let at = 0; at + 12 <= token.length; at++) expect(told).not.toContain(part(at));
  });
});

test("a link code is found whole, and nothing shorter is", () => {
  const codes = createCanaries();
  codes.add("a link code", "12345678901");
  expect(codes.search([{ where: "the log", text: '{"code":"12345678901"}' }])).toEqual(["a link code in the log"]);
  expect(codes.search([{ where: "the log", text: '{"code":"1234567890"}' }])).toEqual([]);
});

test("what is no leak is not found", () => {
  const random = randomBytes(3 * 65_536);
  const harmless = [
    random.toString("base64"),
    random.toString("hex"),
    part(10, 11),
    Buffer.from(part(10, 11)).toString("hex"),
    "ghs_ tokens, -----BEGIN KEY-----",
    '{"route":"/oauth/callback/:platform","status":400}',
  ];
  expect(harmless.flatMap(search)).toEqual([]);
});

test("values too short to be told from others are not looked for", () => {
  const few = createCanaries();
  few.add("a word", "password");
  few.add("nothing", undefined);
  expect(few.counts()).toEqual({});
});

function encodeAll(text: string): string {
  return [...text].map((char) => `%${char.charCodeAt(0).toString(16)}`).join("");
}
