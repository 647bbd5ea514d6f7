import { Console } from "node:console";
import { Writable } from "node:stream";
import { format, inspect } from "node:util";
import { expect, test } from "vitest";
import { Secret } from "../src/secret.ts";

const value = "k9Zq2LrT7xWb4MvNc8Hd";
const secret = new Secret(value);

function printed(...args: unknown[]): string {
  let text = "";
  const sink = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  new Console({ stdout: sink, stderr: sink }).log(...args);
  return text;
}

test.each<[string, () => string]>([
  ["String()", () => String(secret)],
  ["a template", () => `${secret}`],
  ["concatenation", () => `a${secret.toString()}`],
  ["JSON", () => JSON.stringify({ secret, list: [secret] })],
  ["inspect", () => inspect(secret)],
  ["inspect with everything shown", () => inspect({ secret }, { showHidden: true, depth: null, getters: true })],
  ["inspect without custom inspection", () => inspect(secret, { customInspect: false, showHidden: true, depth: 9 })],
  ["format", () => format("%s %o %O %j %d %i", secret, secret, secret, secret, secret, secret)],
  ["console.log", () => printed("the secret is %s, %o", secret, secret, { secret })],
  ["an error's cause", () => inspect(new Error("failed", { cause: secret }), { showHidden: true })],
  ["an error's property", () => inspect(Object.assign(new Error("failed"), { secret }))],
  ["a map and a set", () => inspect([new Map([[secret, secret]]), new Set([secret])], { showHidden: true })],
  ["a spread copy", () => JSON.stringify({ ...secret })],
  ["its keys", () => JSON.stringify([Reflect.ownKeys(secret), Object.entries(secret)])],
])("a secret does not come out through %s", (_, print) => {
  expect(print()).not.toContain(value.slice(0, 8));
});

test("a secret says that it is one wherever it is printed", () => {
  expect([String(secret), JSON.stringify(secret), inspect(secret)]).toEqual(["[secret]", '"[secret]"', "[secret]"]);
});

test("a structured clone of a secret holds nothing", () => {
  const clone: unknown = structuredClone({ secret });
  expect(inspect(clone, { showHidden: true, depth: null })).not.toContain(value.slice(0, 8));
});

test("a secret is still inside after all that, for who asks by name", () => {
  secret.fingerprint();
  expect(inspect(secret, { customInspect: false, showHidden: true })).not.toContain(value);
  expect(secret.reveal()).toBe(value);
});

test("a fingerprint is the SHA-256 in lowercase hex, the same each time", () => {
  const empty = new Secret("");
  expect(empty.fingerprint()).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(secret.fingerprint()).toBe(secret.fingerprint());
  expect(secret.fingerprint()).not.toBe(empty.fingerprint());
});
