import { afterAll, beforeAll, expect, test } from "vitest";
import { repositories } from "../../sandbox/github/accounts.ts";
import { createStage, type Stage } from "./stage.ts";

/** An organization with one repository more than a token can be narrowed to. */
const all = repositories.filter(({ owner }) => owner === "initech");
const slow = { timeout: 120_000 };

let stage: Stage;

beforeAll(async () => {
  stage = await createStage("embedded");
  await stage.start();
  stage.sandbox.github.controls.chooseAccount("initech");
  await stage.connect("github");
}, 120_000);
afterAll(() => stage.close());

interface Answer {
  readonly accessToken?: string;
  readonly code?: string;
}

async function getToken(narrowing: Readonly<Record<string, unknown>>): Promise<Answer> {
  const reply = await fetch(`${stage.service.internalUrl}/oauth.token.v1.TokenService/GetToken`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ platform: "github", ...narrowing }),
  });
  return (await reply.json()) as Answer;
}

async function reachOf({ accessToken }: Answer): Promise<unknown> {
  const headers = { authorization: `Bearer ${accessToken}`, "user-agent": "test" };
  const reply = await fetch(`${stage.sandbox.github.apiUrl}/installation/repositories?per_page=1`, { headers });
  return ((await reply.json()) as { total_count: unknown }).total_count;
}

const names = (count: number) => ({ repositories: all.slice(0, count).map(({ name }) => name) });
const ids = (count: number) => ({ repository_ids: all.slice(0, count).map(({ id }) => id) });

test.each([
  [200, names(200)],
  [500, names(500)],
  [200, ids(200)],
  [500, ids(500)],
])("a token is narrowed to %i repositories", slow, async (count, narrowing) => {
  const answer = await getToken(narrowing);
  expect(answer.code).toBeUndefined();
  expect(await reachOf(answer)).toBe(count);
});

test("many such answers at once are read beside each other", slow, async () => {
  const shapes = Array.from({ length: 16 }, (_, index) => ({ repositories: names(500).repositories.slice(index) }));
  const answers = await Promise.all(shapes.map(getToken));
  expect(answers.map(({ code }) => code)).toEqual(shapes.map(() => undefined));
  expect(await Promise.all(answers.map(reachOf))).toEqual(shapes.map((shape) => shape.repositories.length));
});

test("501 are refused before GitHub is asked", slow, async () => {
  const before = stage.sandbox.github.calls.length;
  expect(await getToken(names(501))).toMatchObject({ code: "invalid_argument" });
  expect(stage.sandbox.github.calls.length).toBe(before);
});
