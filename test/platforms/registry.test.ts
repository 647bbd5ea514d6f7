import { describe, expect, test } from "vitest";
import { createTestWorld } from "../../rig/world.ts";
import { configuredPlatforms } from "../../src/app/configured-platforms.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { silentTelemetry } from "../../src/domain/model/telemetry.ts";
import { another } from "../../src/platforms/another.ts";
import { createRegistry } from "../../src/platforms/create-registry.ts";
import { githubApp, githubOauth } from "../../src/platforms/github/modules.ts";
import { Secret } from "../../src/secret.ts";
import { createRedact } from "../../src/secret-shapes.ts";
import { isConfigured, readRequired } from "../../src/settings/client-settings.ts";
import { githubApp as appSettings, filesOf, pkcs1 } from "../config/load.ts";
import { pager } from "../fixtures/pager.ts";

const called = (...names: readonly string[]) => names.map((name) => ({ name, label: name }));
const toServer = (name: string) => name.replace("GITHUB_", "GHES_");

describe("a list of platforms is refused", () => {
  test.each(["Pager", "pager eu", "pager/eu", "../pager", "pager_eu", "pager-", "1pager", ""])(
    "with a product called %j, which has to stand in addresses and files",
    (name) => {
      expect(() => createRegistry([{ ...pager, products: called(name) }])).toThrow("is no name of a product");
    },
  );

  test.each([
    [{ name: "PAGER_URL", meaning: "Something else." }, "two settings are called PAGER_URL"],
    [{ name: "PORT", meaning: "A port." }, "PORT belongs to PORT and to PORT"],
    [{ name: "PAGER_CLIENT_SECRET_FILE", meaning: "A file." }, "belongs to PAGER_CLIENT_SECRET and to"],
    [{ name: "PAGER_BASE", aliases: ["BASE_URL"], meaning: "Base." }, "BASE_URL belongs to BASE_URL and to PAGER_BASE"],
  ])("with a setting whose name means another one: %o", (row, message) => {
    const other = { ...pager, kind: "other", products: called("other"), settings: [...pager.settings, row] };
    expect(() => loadConfig({}, filesOf({}), createRegistry([pager, other]))).toThrow(message);
  });

  test("with a shape of secrets that finds none, or finds them everywhere", () => {
    for (const shape of [/pgr_[a-z]{8}/i, /(pgr_[a-z]{8})?/, /^/]) {
      expect(() => createRedact([shape])).toThrow("is no shape of a secret");
    }
  });

  test("with a further instance that leaves a product without a name", () => {
    const two = { ...pager, products: called("pager", "beeper") };
    for (const products of [[], called("pager-eu"), called("pager-eu", "beeper-eu", "bell-eu")]) {
      expect(() => another(two, { products, setting: (name) => `EU_${name}` })).toThrow(
        "a further pager needs names for pager, beeper",
      );
    }
  });
});

test("half of a platform that has no public address is told like any other", () => {
  const title = "Pager app";
  const atHome: typeof pager = {
    ...pager,
    read(reader) {
      if (!isConfigured(reader, { title, required: [["PAGER_CLIENT_ID"], ["PAGER_URL"]] })) return undefined;
      return { clientId: "c", clientSecret: new Secret("s"), url: readRequired(reader, "PAGER_URL") };
    },
  };
  expect(() => loadConfig({ PAGER_CLIENT_ID: "c" }, filesOf({}), createRegistry([atHome]))).toThrow(
    "PAGER_URL: is missing, while PAGER_CLIENT_ID is set",
  );
});

describe("a platform is not started", () => {
  const start = (platforms: ReturnType<typeof createRegistry>, env: Record<string, string>) => {
    const { config } = loadConfig(env, filesOf({}), platforms);
    return configuredPlatforms(config, createTestWorld(), silentTelemetry);
  };
  const app = { PAGER_CLIENT_ID: "c", PAGER_CLIENT_SECRET: "s" };

  test("under another name than its module's", () => {
    const copied = { ...pager, kind: "copied", products: called("copied") };
    expect(() => start(createRegistry([copied]), app)).toThrow(
      "the module of copied makes a platform called pager with pager",
    );
  });

  test("twice as one client, whose grants each would take for its own", () => {
    const eu = another(pager, { products: called("pager-eu"), setting: (name) => name.replace("PAGER_", "PAGER_EU_") });
    const platforms = createRegistry([pager, eu]);
    const both = { ...app, PAGER_EU_CLIENT_ID: "c", PAGER_EU_CLIENT_SECRET: "s" };
    expect(() => start(platforms, both)).toThrow("pager and pager-eu are the same client");
    expect(start(platforms, { ...both, PAGER_EU_URL: "https://eu.pager.example" }).all).toHaveLength(2);
    expect(start(platforms, { ...both, PAGER_EU_CLIENT_ID: "d" }).all).toHaveLength(2);
  });
});

describe("an Enterprise Server beside github.com", () => {
  const app = another(githubApp, { products: called("ghes"), setting: toServer });
  const oauth = another(githubOauth, { products: called("ghes-oauth"), setting: toServer });

  test("has the settings that its module reads, once where both apps have them", () => {
    const { settings } = createRegistry([githubApp, githubOauth, app, oauth]);
    const names = settings.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(["GITHUB_URL", "GHES_URL", "GHES_APP_ID", "GHES_OAUTH_CLIENT_ID"]));
    expect(app.settings.map(({ name }) => name)).not.toContain("GHES_OAUTH_CLIENT_ID");
    expect(oauth.settings.map(({ name }) => name)).not.toContain("GHES_APP_ID");
  });

  test("is at its own addresses, and what is wrong with them is told in its own names", () => {
    const platforms = createRegistry([githubApp, githubOauth, app, oauth]);
    const server = Object.fromEntries(Object.entries(appSettings).map(([name, value]) => [toServer(name), value]));
    const at = { GHES_URL: "https://git.example", GHES_API_URL: "https://git.example/api/v3" };
    const { config } = loadConfig({ ...appSettings, ...server, ...at }, filesOf({}), platforms);
    expect(config.platforms.map(({ products }) => products)).toEqual([["github"], ["ghes"]]);
    expect([...config.ownHosts]).toEqual(["git.example"]);
    expect(() => loadConfig({ ...server, GHES_URL: "https://git.example" }, filesOf({}), platforms)).toThrow(
      "on Enterprise Server the API is at $GHES_URL/api/v3",
    );
    const files = filesOf({ "/key": pkcs1 });
    expect(() => loadConfig({ ...server, GHES_PRIVATE_KEY_FILE: "/key" }, files, platforms)).toThrow(
      "GHES_PRIVATE_KEY: is given as well as GHES_PRIVATE_KEY_FILE",
    );
  });
});
