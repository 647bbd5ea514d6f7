import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServiceError } from "../../../src/errors.ts";
import { Secret } from "../../../src/secret.ts";
import { openFernet, sealFernet } from "../../../src/storage/seal/fernet.ts";
import { generateKey, parseKeyRing } from "../../../src/storage/seal/key-ring.ts";
import { createSealer, type TokenCipher } from "../../../src/storage/seal/sealer.ts";
import { hasPythonPeer, openedByPython } from "./fernet-peer.ts";

const ciphers: readonly TokenCipher[] = ["fernet", "aes-256-gcm"];
const other: Record<TokenCipher, TokenCipher> = { fernet: "aes-256-gcm", "aes-256-gcm": "fernet" };
const place = { table: "credentials", row: "0199c0de-0000-7000-8000-000000000001", column: "access_token" };
const value = new Secret("ghu_canary0123456789");
const [old, current, foreign] = [generateKey(randomBytes), generateKey(randomBytes), generateKey(randomBytes)];

function sealer(cipher: TokenCipher, ...keys: readonly Secret[]) {
  const ring = parseKeyRing(new Secret(keys.map((key) => key.reveal()).join(",")));
  return createSealer({ keys: ring, cipher, now: () => new Date("2026-01-01"), random: randomBytes });
}

function refusal(open: () => Secret): ServiceError {
  try {
    open();
  } catch (error) {
    if (error instanceof ServiceError && error.reason === "TOKEN_UNREADABLE") return error;
    throw error;
  }
  throw new Error("it opened");
}

describe.each(ciphers)("%s", (cipher) => {
  test("opens every value where it was sealed for, and nowhere else", () => {
    const { seal, open } = sealer(cipher, current);
    const text = fc.string({ unit: "binary" });
    const places = fc.record({ table: text, row: text, column: text });
    fc.assert(
      fc.property(places, places, text, (here, there, plain) => {
        const sealed = seal(here, new Secret(plain)).text;
        expect(open(here, sealed).reveal()).toBe(plain);
        fc.pre(JSON.stringify(here) !== JSON.stringify(there));
        refusal(() => open(there, sealed));
      }),
    );
  });

  test.each([
    { ...place, table: "attempts" },
    { ...place, row: "0199c0de-0000-7000-8000-000000000002" },
    { ...place, column: "refresh_token" },
  ])("does not open in $table $row $column", (elsewhere) => {
    const { seal, open } = sealer(cipher, current);
    const { text } = seal(place, value);
    expect(refusal(() => open(elsewhere, text)).message).toContain("another row or column");
    expect(open(place, text).reveal()).toBe(value.reveal());
  });

  test("knows what its own first key and cipher sealed", () => {
    const other = cipher === "fernet" ? "aes-256-gcm" : "fernet";
    const { seal, isCurrent } = sealer(cipher, current, old);
    expect(isCurrent(seal(place, value).text)).toBe(true);
    for (const elsewhere of [sealer(cipher, old, current), sealer(other, current)]) {
      expect(isCurrent(elsewhere.seal(place, value).text)).toBe(false);
    }
    expect(isCurrent("gibberish")).toBe(false);
  });

  test("does not tell a place from its parts joined otherwise", () => {
    const { seal, open } = sealer(cipher, current);
    const { text } = seal({ table: "a", row: 'b","c', column: "d" }, value);
    refusal(() => open({ table: "a", row: "b", column: 'c","d' }, text));
  });

  test("seals with the first key and opens with all of them", () => {
    const before = sealer(cipher, old).seal(place, value);
    const rotating = sealer(cipher, current, old);
    const after = rotating.seal(place, value);

    expect(rotating.keyIds).toEqual([after.keyId, before.keyId]);
    expect(rotating.open(place, before.text).reveal()).toBe(value.reveal());
    expect(sealer(cipher, current).open(place, after.text).reveal()).toBe(value.reveal());
    refusal(() => sealer(cipher, old).open(place, after.text));
  });

  test("says which setting to look at once the key was removed", () => {
    const { text } = sealer(cipher, old).seal(place, value);
    expect(refusal(() => sealer(cipher, current, foreign).open(place, text)).message).toContain("TOKEN_ENCRYPTION_KEY");
  });

  test("is readable whatever cipher is set", () => {
    const { text } = sealer(cipher, current).seal(place, value);
    expect(sealer(other[cipher], current).open(place, text).reveal()).toBe(value.reveal());
  });

  test("never seals the same value to the same text", () => {
    const { seal } = sealer(cipher, current);
    expect(seal(place, value).text).not.toBe(seal(place, value).text);
  });

  test("does not open when any one character is another, missing or added", () => {
    const { seal, open } = sealer(cipher, current);
    const { text } = seal(place, value);
    for (let at = 0; at <= text.length; at++) {
      const swapped = text[at] === "B" ? "C" : "B";
      refusal(() => open(place, `${text.slice(0, at)}${swapped}${text.slice(at)}`));
      if (at === text.length) continue;
      refusal(() => open(place, text.slice(0, at) + swapped + text.slice(at + 1)));
      refusal(() => open(place, text.slice(0, at)));
    }
  });

  test("refuses without showing a key, the value or the sealed text", () => {
    const { text } = sealer(cipher, old).seal(place, value);
    const refused = [
      refusal(() => sealer(cipher, current).open(place, text)),
      refusal(() => sealer(cipher, old).open({ ...place, row: "other" }, text)),
    ];
    for (const error of refused) {
      const shown = `${error.stack} ${JSON.stringify(error.metadata)}`;
      for (const secret of [value, old, current]) expect(shown).not.toContain(secret.reveal().slice(0, 12));
      expect(shown).not.toContain(text.slice(30, 50));
    }
  });
});

test.each(["", "v2.", "v2..", "v2.0011223344556677.AAAA", "gAAAAA", "plain text", "{}"])("does not open %j", (text) => {
  refusal(() => sealer("fernet", current).open(place, text));
});

test("the two formats cannot be taken for each other", () => {
  expect(sealer("fernet", current).seal(place, value).text).toMatch(/^gAAAAA[\w-]+={0,2}$/);
  const { text, keyId } = sealer("aes-256-gcm", current).seal(place, value);
  expect(text).toMatch(/^v2\.[0-9a-f]{16}\.[\w-]+$/);
  expect(text.split(".")[1]).toBe(keyId);
});

test("a value under another key's id does not open, even with both keys at hand", () => {
  const { seal, open, keyIds } = sealer("aes-256-gcm", current, old);
  const { text, keyId } = seal(place, value);
  refusal(() => open(place, text.replace(keyId, keyIds[1] ?? "")));
});

describe("Fernet's envelope", () => {
  const [{ fernet }] = parseKeyRing(current);
  const foreignText = (message: string) => sealFernet(fernet, message, { now: new Date(), iv: randomBytes(16) });

  test("is JSON that any Fernet implementation can read", () => {
    const { text } = sealer("fernet", current).seal(place, value);
    const opened = hasPythonPeer ? openedByPython(current.reveal(), [text])[0] : openFernet([fernet], text)?.toString();
    expect(JSON.parse(opened ?? "")).toEqual({ ...place, value: value.reveal() });
  });

  test("opens however another program spaced and ordered it", () => {
    const text = foreignText(
      ` { "value": "v", "column" : "access_token", "row":"${place.row}", "table":"credentials" }`,
    );
    expect(sealer("fernet", current).open(place, text).reveal()).toBe("v");
  });

  test.each([
    "ghu_a_bare_token",
    "null",
    "[]",
    "17",
    JSON.stringify({ ...place, value: 17 }),
    JSON.stringify(place),
    JSON.stringify({ value: "v" }),
  ])("has to be there: %s", (message) => {
    refusal(() => sealer("fernet", current).open(place, foreignText(message)));
  });
});
