import { describe, expect, test } from "vitest";
import { instantOf, listOf, textOf, wordOf, wordsOf } from "../../../src/storage/moving/earlier/columns.ts";
import { openToken } from "../../../src/storage/moving/earlier/open-token.ts";
import { readEarlierRow } from "../../../src/storage/moving/earlier/read-row.ts";
import { fernetKey, sealFernet } from "../../../src/storage/seal/fernet.ts";

const key = fernetKey(Buffer.alloc(32, 1));
const sealed = (text: string) => sealFernet(key, text, { now: new Date(0), iv: Buffer.alloc(16) });

describe("what earlier services kept in a column", () => {
  test.each([
    [" T1 ", "T1"],
    ["", undefined],
    ["None", undefined],
    [41001, "41001"],
    ["\\x78", "x"],
    ["b'gAAA'", "gAAA"],
    [null, undefined],
    [{ a: 1 }, undefined],
  ])("%j is the text %j", (value, text) => expect(textOf(value)).toBe(text));

  test.each([
    ["ACTIVE", "active"],
    ["InstallationStatus.SUSPENDED", "suspended"],
  ])("%j is the word %j", (value, word) => expect(wordOf(value)).toBe(word));

  test.each([
    ["2026-01-02T03:04:05.678901", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02 03:04:05", "2026-01-02T03:04:05.000Z"],
    ["2026-01-02T03:04:05+05:30", "2026-01-01T21:34:05.000Z"],
    ["2026-01-02 03:04:05-08", "2026-01-02T11:04:05.000Z"],
    ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"],
    [1767323045, "2026-01-02T03:04:05.000Z"],
    ["infinity", undefined],
    ["soon", undefined],
  ])("%j is the instant %j", (value, at) => expect(instantOf(value)?.toISOString()).toBe(at));

  test.each([
    [
      ["a", "b", ""],
      ["a", "b"],
    ],
    ["a,b", ["a", "b"]],
    ["a b", ["a", "b"]],
    ["{a,b}", ["a", "b"]],
    ['{"a:b",c}', ["a:b", "c"]],
    ['["a","b"]', ["a", "b"]],
    ['"[\\"a\\"]"', ["a"]],
    [
      ["a b", "b"],
      ["a", "b"],
    ],
    [null, []],
    ["", []],
  ])("%j is the list %j", (value, list) => expect(listOf(value)).toEqual(list));

  test.each([
    [{ contents: "read", nested: { a: 1 } }, { contents: "read" }],
    ['{"url":"u"}', { url: "u" }],
    ["[]", {}],
    ["not json", {}],
    [null, {}],
  ])("%j are the words %j", (value, words) => expect(wordsOf(value)).toEqual(words));
});

describe("a token of an earlier service", () => {
  test("is opened, taken as it is, or closed: what is sealed is never taken for a plain one", () => {
    const opened = openToken(sealed("xoxb-1"), [fernetKey(Buffer.alloc(32, 2)), key]);
    expect(opened.kind === "token" && opened.value.reveal()).toBe("xoxb-1");
    const plain = openToken("xoxb-2", []);
    expect(plain.kind === "token" && plain.value.reveal()).toBe("xoxb-2");
    expect(openToken(sealed("xoxb-1"), [])).toEqual({ kind: "closed" });
    // Altered, or cut by a column that was too short.
    expect(openToken(`${sealed("xoxb-1").slice(0, -4)}AAA=`, [key])).toEqual({ kind: "closed" });
    expect(openToken(sealed("xoxb-1").slice(0, 50), [key])).toEqual({ kind: "closed" });
    expect(openToken(sealed(""), [key])).toEqual({ kind: "none" });
  });

  test("of the wrong key fails its row, and the row beside it is read", () => {
    const row = { platform: "slack", external_org_id: "T1" };
    const closed = readEarlierRow("1", { ...row, access_token: sealed("x") }, []);
    expect(closed.reading).toMatchObject({ kind: "unreadable", organization: "T1" });
    expect(readEarlierRow("1", { ...row, access_token: "x" }, []).reading.kind).toBe("readable");
  });
});

test("an id is kept in any spelling of a UUID; any other leads to the same one each time, and to one for each organization", () => {
  const idOf = (id: string, org = "T1") => readEarlierRow(id, { platform: "slack", external_org_id: org }, []).newId;
  const uuid = "6f0e0c5a-0000-4000-8000-00000000000a";
  expect([uuid, uuid.toUpperCase(), uuid.replaceAll("-", "")].map((id) => idOf(id))).toEqual([uuid, uuid, uuid]);
  expect(idOf("17")).toBe(idOf("17"));
  expect(new Set([idOf("17"), idOf("18"), idOf("17", "T2")]).size).toBe(3);
});
