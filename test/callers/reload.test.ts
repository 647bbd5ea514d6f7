import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../../rig/gate.ts";
import { createTestWorld } from "../../rig/world.ts";
import { type CallersParts, createCallers, type PolicyEvent } from "../../src/callers/callers.ts";
import { registry } from "../../src/platforms/registry.ts";
import { methodNames } from "../../src/rpc/rpc-names.ts";
import { createJobs } from "../support/jobs.ts";
import { callerOf, fileOf } from "./support/caller-files.ts";
import { goodClaims, issuerEntry, newKey, serveKeys, sign, subject } from "./support/issuer.ts";

const fileWith = (name: string) => fileOf([callerOf(name, "mtls_san: web.internal")]);
const broken = fileWith("canary").replace("owners: [acme]", "owners: []");

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "oauth-token-service-callers-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

/** The callers of a file, with the looks at it in the test's hand. */
async function start(path: string, report?: CallersParts["report"]) {
  const world = createTestWorld(() => new Date("2026-11-21T12:00:00Z"));
  const events: PolicyEvent[] = [];
  const jobs = createJobs();
  const callers = await createCallers({
    path,
    rpcs: methodNames,
    products: registry.productNames,
    narrowable: registry.narrowable,
    redact: registry.redact,
    world,
    report: report ?? ((event) => void events.push(event)),
    schedule: (intervalMs, name, job, log) => jobs.schedule(intervalMs + 1_000_000, name, job, log),
  });
  onTestFinished(() => callers.close());
  const look = () => jobs.run("look at the caller file");
  return {
    ...callers,
    world,
    events,
    look,
    twoLooks: async () => {
      await look();
      await look();
    },
    web: async () =>
      (await callers.authenticate({ authorization: undefined, certificateNames: ["DNS:web.internal"] })).name,
  };
}

async function startWith(text: string) {
  const path = join(await folder(), "callers.yaml");
  await writeFile(path, text, { mode: 0o640 });
  return { path, ...(await start(path)) };
}

test("the first file is reported, and names its callers", async () => {
  const { events, policyHash, names, web } = await startWith(fileWith("one"));
  expect(events).toEqual([{ kind: "policy.loaded", policyHash: policyHash(), callers: ["one"] }]);
  expect(policyHash()).toMatch(/^[0-9a-f]{64}$/);
  expect(names()).toEqual(["one"]);
  expect(await web()).toBe("one");
});

test("a first file that cannot be used ends the start, with all that is wrong with it", async () => {
  await expect(startWith(broken.replace("version: 1", "version: 2"))).rejects.toThrow(
    /^the caller file .*callers\.yaml cannot be used:\n {2}version: 2 is unknown.*\n {2}callers\[0\] \(canary\)\.allow\[0\]\.owners: the list is empty/,
  );
  const missing = join(await folder(), "callers.yaml");
  await expect(start(missing)).rejects.toThrow(`AUTH_CONFIG: the caller file ${missing} cannot be read (ENOENT)`);
});

test("a changed file counts once two looks found it the same", async () => {
  const { path, look, web, events, policyHash, names } = await startWith(fileWith("one"));
  await writeFile(path, fileWith("two"));
  await look();
  expect(await web()).toBe("one");
  await writeFile(path, fileWith("three"));
  await look();
  expect(await web()).toBe("one");
  await look();
  expect(await web()).toBe("three");
  expect(names()).toEqual(["three"]);
  await look();
  expect(events.slice(1)).toEqual([{ kind: "policy.loaded", policyHash: policyHash(), callers: ["three"] }]);
});

test("a broken file leaves the last good one, and is reported once", async () => {
  const { path, look, twoLooks, web, events, policyHash, world } = await startWith(fileWith("one"));
  const before = policyHash();
  await writeFile(path, broken);
  await twoLooks();
  await look();
  expect(await web()).toBe("one");
  expect(policyHash()).toBe(before);
  expect(events.slice(1)).toEqual([{ kind: "policy.refused", policyHash: before }]);
  const [line] = world.lines.map((text) => JSON.parse(text)).filter(({ event }) => event === "policy.refused");
  expect(line).toMatchObject({ level: "error", policyHash: before, problems: 1 });
  expect(line.message).toContain("owners: the list is empty");

  await writeFile(path, fileWith("two"));
  await twoLooks();
  expect(await web()).toBe("two");
});

test("a file that is gone for a moment is not missed; one that stays away is reported", async () => {
  const { path, look, web, events } = await startWith(fileWith("one"));
  await rename(path, `${path}~`);
  await look();
  await rename(`${path}~`, path);
  await look();
  await look();
  expect(events).toHaveLength(1);
  await rm(path);
  await look();
  await look();
  expect(await web()).toBe("one");
  expect(events.slice(1).map(({ kind }) => kind)).toEqual(["policy.refused"]);
  await writeFile(path, fileWith("one"));
  await look();
  await look();
  expect(events).toHaveLength(2);
});

test("a file behind symbolic links is seen to change, as Kubernetes changes it", async () => {
  const root = await folder();
  for (const [version, name] of [
    ["v1", "one"],
    ["v2", "two"],
  ] as const) {
    await mkdir(join(root, version));
    await writeFile(join(root, version, "callers.yaml"), fileWith(name));
  }
  await symlink("v1", join(root, "data"));
  await symlink("data/callers.yaml", join(root, "callers.yaml"));
  const { twoLooks, web } = await start(join(root, "callers.yaml"));
  await symlink("v2", join(root, "next"));
  await rename(join(root, "next"), join(root, "data"));
  await twoLooks();
  expect(await web()).toBe("two");
});

test("what cannot be reported is reported later, in its order, and the file counts meanwhile", async () => {
  const path = join(await folder(), "callers.yaml");
  await writeFile(path, fileWith("one"));
  let away = true;
  const reported: string[] = [];
  const { look, twoLooks, web } = await start(path, (event) => {
    if (away) throw new Error("no database");
    reported.push(event.kind === "policy.loaded" ? event.callers.join() : event.kind);
  });
  await writeFile(path, fileWith("two"));
  await twoLooks();
  expect(await web()).toBe("two");
  expect(reported).toEqual([]);
  away = false;
  await look();
  await look();
  expect(reported).toEqual(["one", "two"]);
});

test("keys of API callers that live long are warned of", async () => {
  const { world } = await startWith(fileOf([callerOf("ci", `api_key: "sha256:${"0".repeat(64)}"`)]));
  expect(world.lines.map((line) => JSON.parse(line))).toEqual([
    {
      level: "warn",
      event: "policy.warning",
      warning: "the API key of ci never expires: give it a day within 90 days",
    },
  ]);
});

test("issuers are not asked again because a rule has changed", async () => {
  const key = await newKey("one");
  const issuer = await serveKeys({ current: [key.jwk] });
  const text = fileOf([callerOf("ci", `issuer: ci, subject: "${subject}"`)], [issuerEntry(issuer.url)]);
  const { path, authenticate, twoLooks, world } = await startWith(text);
  const authorization = `Bearer ${await sign(key, goodClaims(issuer.url, world.now()))}`;
  const who = async () => (await authenticate({ authorization, certificateNames: [] })).policyHash;
  const before = await who();
  await writeFile(path, text.replace("[acme]", "[acme, other]"));
  await twoLooks();
  expect(await who()).not.toBe(before);
  expect(issuer.requests()).toBe(1);
});

test("an issuer that was out of the file is asked anew when it is back", async () => {
  const key = await newKey("one");
  const issuer = await serveKeys({ current: [key.jwk] });
  const text = fileOf([callerOf("ci", `issuer: ci, subject: "${subject}"`)], [issuerEntry(issuer.url)]);
  const { path, authenticate, twoLooks, world } = await startWith(text);
  const authorization = `Bearer ${await sign(key, goodClaims(issuer.url, world.now()))}`;
  await authenticate({ authorization, certificateNames: [] });
  for (const next of [fileWith("web"), text]) {
    await writeFile(path, next);
    await twoLooks();
  }
  expect(await authenticate({ authorization, certificateNames: [] })).toMatchObject({ name: "ci" });
  expect(issuer.requests()).toBe(2);
});

test.each([
  [0o644, "can be read by others on this machine (mode 644): chmod 640"],
  [0o660, "can be changed by others on this machine (mode 660): chmod 640"],
  [0o602, "can be changed by others on this machine (mode 602): chmod 640"],
  [0o640, undefined],
  [0o600, undefined],
])("a file of mode %o is warned of where others may read or change it", async (mode, expected) => {
  const path = join(await folder(), "callers.yaml");
  await writeFile(path, fileWith("one"));
  await chmod(path, mode);
  const { world, twoLooks } = await start(path);
  const warnings = () => world.lines.filter((line) => line.includes("on this machine"));
  expect(warnings()).toEqual(expected === undefined ? [] : [expect.stringContaining(expected)]);
  await chmod(path, 0o644);
  await writeFile(path, fileWith("two"));
  await twoLooks();
  await until(() => warnings().some((line) => line.includes("mode 644")), "the new file is warned of");
});
