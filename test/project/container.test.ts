import { access, readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { programs } from "../../scripts/build/build.ts";
import { allSettings } from "../../src/config/all-settings.ts";
import { knownNames, secretNames } from "../../src/settings/setting.ts";

const root = new URL("../../", import.meta.url);

const exists = (path: string): Promise<boolean> =>
  access(new URL(path, root)).then(
    () => true,
    () => false,
  );

interface Instruction {
  readonly name: string;
  readonly words: readonly string[];
  readonly text: string;
}

/** The instructions of each stage, without comments, continued lines joined. */
function stagesOf(dockerfile: string): readonly (readonly Instruction[])[] {
  const lines = dockerfile
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll("\\\n", " ")
    .split("\n");
  const stages: Instruction[][] = [];
  for (const line of lines.map((text) => text.trim()).filter((text) => text !== "")) {
    const [name = "", ...words] = line.split(/\s+/);
    if (name === "FROM") stages.push([]);
    stages.at(-1)?.push({ name, words, text: line });
  }
  return stages;
}

describe("the image", () => {
  let stages: readonly (readonly Instruction[])[];
  let last: readonly Instruction[];
  const named = (name: string) => last.filter((instruction) => instruction.name === name);

  beforeAll(async () => {
    stages = stagesOf(await readFile(new URL("Dockerfile", root), "utf8"));
    last = stages.at(-1) ?? [];
  });

  test("is built in two stages, from the Node that the project needs", async () => {
    expect(stages).toHaveLength(2);
    const { engines } = JSON.parse(await readFile(new URL("package.json", root), "utf8"));
    for (const stage of stages) expect(stage[0]?.text).toMatch(/^FROM node:24\S*-slim( AS build)?$/);
    expect(engines.node).toBe(">=24");
  });

  test("has what was built of the locked packages and nothing else", () => {
    const installs = stages[0]?.filter(({ text }) => text.includes("npm")) ?? [];
    expect(installs.map(({ text }) => text)).toEqual([
      "COPY package.json package-lock.json .npmrc ./",
      "RUN npm ci --ignore-scripts",
      "RUN npm run build",
    ]);
    expect(last.filter(({ name }) => name === "COPY").map(({ text }) => text)).toEqual([
      "COPY package.json LICENSE ./",
      "COPY --from=build /app/sbom.cdx.json ./sbom.cdx.json",
      "COPY --from=build /app/dist ./dist",
    ]);
  });

  test("tells what is in it", async () => {
    const [build] = stages;
    const texts = build?.map(({ text }) => text) ?? [];
    expect(texts).toContain("RUN node scripts/sbom.ts > sbom.cdx.json");
    expect(await exists("scripts/sbom.ts")).toBe(true);
    expect(last.some(({ text }) => text === "COPY --from=build /app/sbom.cdx.json ./sbom.cdx.json")).toBe(true);
    expect(last.some(({ text }) => text.includes("scripts"))).toBe(false);
  });

  test("copies named folders that exist, and that are let into the build", async () => {
    const ignored = await readFile(new URL(".dockerignore", root), "utf8");
    const rules = ignored.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    expect(rules[0]).toBe("*");
    const copies = stages.flat().filter(({ name }) => name === "COPY");
    const sources = copies.flatMap(({ words }) => (words[0]?.startsWith("--from") ? [] : words.slice(0, -1)));
    expect(new Set(sources.map((source) => `!${source}`))).toEqual(new Set(rules.slice(1)));
    for (const source of sources) expect(await exists(source), source).toBe(true);
  });

  test("starts what is built, is asked for its health over gRPC, and has its commands on the path", () => {
    const files = last.flatMap(({ text }) => text.match(/\bdist\/[\w/.-]+/g) ?? []);
    expect(files).toEqual(["dist/oauth-token-service.js", "dist/oauth-token-service.js", "dist/main.js"]);
    expect(files.filter((file) => programs[file.slice("dist/".length, -".js".length)] === undefined)).toEqual([]);
    expect(named("HEALTHCHECK")[0]?.text).toContain('CMD ["node", "dist/oauth-token-service.js", "health"]');
  });

  test("runs as a user without rights, in the foreground, until it is asked to stop", () => {
    expect(named("USER").map(({ words }) => words)).toEqual([["node"]]);
    expect(last.findIndex(({ name }) => name === "USER")).toBeLessThan(last.findIndex(({ name }) => name === "CMD"));
    expect(named("STOPSIGNAL")[0]?.words).toEqual(["SIGTERM"]);
    expect(named("CMD")[0]?.text).toMatch(/^CMD \["node", /);
  });

  test("exposes the public listener only", () => {
    expect(named("EXPOSE").map(({ words }) => words)).toEqual([["8010"]]);
  });

  test("holds no secret: none is set, passed or mounted while it is built", () => {
    const text = stages
      .flat()
      .map((instruction) => instruction.text)
      .join("\n");
    expect(text).not.toMatch(/^ARG|--mount|\bADD\b/m);
    for (const name of secretNames(allSettings)) expect(text).not.toContain(name);
  });
});

describe("the compose file", () => {
  let compose: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  const service = () => compose.services?.["oauth-token-service"] ?? {};
  const postgres = () => compose.services?.postgres ?? {};

  beforeAll(async () => {
    compose = parse(await readFile(new URL("compose.yaml", root), "utf8"));
  });

  test("starts the service once its Postgres answers", () => {
    expect(Object.keys(compose.services ?? {})).toEqual(["oauth-token-service", "postgres"]);
    expect(postgres().image).toBe("postgres:18");
    expect(postgres().healthcheck).toMatchObject({ test: ["CMD", "pg_isready", "--username=oauth", "--dbname=oauth"] });
    expect(service().depends_on).toEqual({ postgres: { condition: "service_healthy" } });
  });

  test("publishes the public port and no other", () => {
    expect(service().ports).toEqual(["127.0.0.1:8010:8010"]);
    expect(postgres().ports).toBeUndefined();
    expect(service().environment).toMatchObject({ HOST: "0.0.0.0" });
    expect(service().environment).not.toHaveProperty("INTERNAL_HOST");
  });

  test("uses settings that exist, and gives every secret as a file", () => {
    const environment = service().environment;
    const names = typeof environment === "object" && environment !== null ? Object.keys(environment) : [];
    expect(names.filter((name) => !knownNames(allSettings).has(name))).toEqual([]);
    expect(names.filter((name) => secretNames(allSettings).includes(name))).toEqual([]);
    expect(environment).toMatchObject({
      POSTGRES_PASSWORD_FILE: "/run/secrets/postgres_password",
      TOKEN_ENCRYPTION_KEY_FILE: "/run/secrets/token_encryption_key",
    });
    expect(service().secrets).toEqual(["postgres_password", "token_encryption_key"]);
    expect(compose.secrets).toEqual({
      postgres_password: { file: "./secrets/postgres_password" },
      token_encryption_key: { file: "./secrets/token_encryption_key" },
    });
  });

  test("names the same account on both sides", () => {
    const account = { POSTGRES_USER: "oauth", POSTGRES_DB: "oauth" };
    expect(service().environment).toMatchObject({ ...account, POSTGRES_HOST: "postgres" });
    expect(postgres().environment).toMatchObject(account);
  });

  test("runs the service with an init, without rights, and gives it time to drain", () => {
    expect(service()).toMatchObject({
      init: true,
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      stop_grace_period: "30s",
      ulimits: { core: 0 },
    });
  });
});
