import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { vi } from "vitest";
import { createBrowser } from "../../../../rig/browser.ts";
import { freePort } from "../../../../rig/free-port.ts";
import { createTestWorld } from "../../../../rig/world.ts";
import { type Sandbox, startSandbox } from "../../../../sandbox/sandbox.ts";
import { startApp } from "../../../../src/app/start-app.ts";
import { loadConfig } from "../../../../src/config/load-config.ts";
import { createJobs, type Jobs } from "../../../support/jobs.ts";
import { asJson, type Connected } from "../../../support/service.ts";
import type { Operation } from "./operation.ts";
import { recordFiles } from "./recorded-files.ts";

/** Something the service said it had done. */
export type Fact =
  | { readonly kind: "installed"; readonly installation: string }
  | { readonly kind: "handed out"; readonly installation: string; readonly tokenId: string }
  | { readonly kind: "revoked"; readonly installation: string };

/** All that a service did to its disk, from the making of `DATA_DIR` on, and what it said meanwhile. */
export interface RecordedRun {
  readonly operations: readonly Operation[];
  /** With the number of operations that came before it. */
  readonly facts: readonly { readonly after: number; readonly fact: Fact }[];
  /** How many operations there were when the first start was over. */
  readonly started: number;
  /** The folder that `DATA_DIR` was made in, as the run left it; 0 in the operations. */
  readonly folder: string;
  remove(): Promise<void>;
}

export const dataDirectory = "data";

/** A service from its very first start on: people connect, tokens are refreshed, handed out and revoked; twice. */
export async function recordRun(): Promise<RecordedRun> {
  const folder = await mkdtemp(join(tmpdir(), "oauth-token-service-power-"));
  const recorded = recordFiles(folder);
  const { operations } = recorded;
  const facts: { after: number; fact: Fact }[] = [];
  const say = (fact: Fact) => void facts.push({ after: operations.length, fact });
  const sandbox = await startSandbox({ autoApprove: true });
  let started = 0;
  try {
    await live({ folder, sandbox, say }, async (node) => {
      started = operations.length;
      const jira = await Promise.all(["a", "b", "c"].map((owner) => node.connect("jira", owner)));
      await node.connect("slack", "a");
      await node.jobs.run("flush counts");
      for (let round = 0; round < 2; round++) await Promise.all(jira.map(node.newToken));
      await node.revoke(jira[0] ?? "");
      await node.upkeep();
      await Promise.all(jira.slice(1).map(node.newToken));
    });
    await live({ folder, sandbox, say }, async (node) => {
      const jira = await node.connect("jira", "d");
      for (let round = 0; round < 3; round++) {
        await node.newToken(jira);
        if (round === 1) await node.upkeep();
      }
      await Promise.all([node.connect("github-oauth", "a"), node.newToken(jira), node.connect("jira", "e")]);
    });
  } finally {
    recorded.stop();
    await sandbox.close();
  }
  return { operations, facts, started, folder, remove: () => rm(folder, { recursive: true }) };
}

interface Node {
  readonly jobs: Jobs;
  /** Gives the first of the installations, and hands out a token of it. */
  connect(platform: string, owner: string): Promise<string>;
  /** Hands out another token than before. */
  newToken(installation: string): Promise<void>;
  revoke(installation: string): Promise<void>;
  /** What the service does to the database by itself now and then. */
  upkeep(): Promise<void>;
}

async function live(
  { folder, sandbox, say }: { folder: string; sandbox: Sandbox; say: (fact: Fact) => void },
  use: (node: Node) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  const baseUrl = `http://localhost:${port}`;
  sandbox.useBaseUrl(baseUrl);
  const env = {
    ...{ BASE_URL: baseUrl, PORT: String(port), GRPC_PORT: "0", INTERNAL_PORT: "0", DRAIN_SECONDS: "1" },
    ...{ ...sandbox.environment, DATA_DIR: join(folder, dataDirectory) },
  };
  const { config } = loadConfig(env, () => {
    throw new Error("no setting names a file");
  });
  const jobs = createJobs();
  const opened = vi.spyOn(PGlite, "create");
  const app = await startApp(config, createTestWorld(), jobs.schedule);
  const client = await opened.mock.results.at(-1)?.value;
  opened.mockRestore();
  const internal = `http://localhost:${app.ports.internal}/oauth`;
  const lastToken = new Map<string, { readonly platform: string; readonly tokenId: string }>();

  async function json<T>(response: Response): Promise<T> {
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${response.url} answered ${response.status}: ${text}`);
    return JSON.parse(text) as T;
  }
  async function handOut(platform: string, installation: string): Promise<void> {
    const rejected = lastToken.get(installation)?.tokenId;
    const query = { installation_id: installation, ...(rejected === undefined ? {} : { rejected_token_id: rejected }) };
    const reply = await fetch(`${internal}/token/${platform}?${new URLSearchParams(query)}`);
    const { token_id: tokenId } = await json<{ token_id: string }>(reply);
    lastToken.set(installation, { platform, tokenId });
    say({ kind: "handed out", installation, tokenId });
  }

  try {
    await use({
      jobs,
      async connect(platform, owner) {
        const visit = await createBrowser().visit(`${baseUrl}/oauth/install/${platform}?owner=${owner}`, asJson);
        const { installations } = JSON.parse(visit.text) as Connected;
        const ids = installations.map(({ id }) => String(id));
        for (const installation of ids) say({ kind: "installed", installation });
        const [first = ""] = ids;
        await handOut(platform, first);
        return first;
      },
      newToken: (installation) => handOut(lastToken.get(installation)?.platform ?? "", installation),
      async revoke(installation) {
        await json(await fetch(`${internal}/installations/${installation}`, { method: "DELETE" }));
        say({ kind: "revoked", installation });
      },
      async upkeep() {
        await jobs.run("keep the database up");
        // Its log is too short for one.
        await client.query("checkpoint");
      },
    });
  } finally {
    await app.close();
  }
}
