import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect } from "vitest";
import { type Browser, createBrowser } from "../../rig/browser.ts";
import { type ChildService, compileService, type Environment, startChildService } from "../../rig/child-service.ts";
import { freePort } from "../../rig/free-port.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "../../sandbox/sandbox.ts";
import { openEmbeddedDatabase } from "../../src/storage/embedded/open.ts";
import { createTestDatabase, createTestDirectory } from "../support/database.ts";
import { asJson } from "../support/service.ts";
import { type DatabaseTap, tapDatabase } from "./database-tap.ts";
import { type Row, runSql } from "./sql.ts";

/** One service that is killed and started again: its data, its platforms, its addresses stay. */
export interface Stage {
  readonly sandbox: Sandbox;
  /** The settings it is started with. */
  readonly env: Environment;
  /** The process that runs now, or ran last. */
  readonly service: ChildService;
  /** Only on Postgres. */
  readonly tap: DatabaseTap;
  start(env?: Environment): Promise<ChildService>;
  /** Runs a statement beside the service; on the embedded database only while no service runs. */
  sql(statement: string): Promise<readonly Row[]>;
  /** Follows an install from its start, or from a later place, to its end or to where the service stopped answering. */
  follow(browser: Browser, start: string): Promise<Journey>;
  connect(platform: string, owner?: string): Promise<Connected>;
  /** GetToken by REST; undefined where the service stopped answering. */
  token(platform: string, query: Readonly<Record<string, string>>): Promise<TokenAnswer | undefined>;
  /** A token that its platform's own API takes; fails if there is none. */
  workingToken(platform: string, query: Readonly<Record<string, string>>): Promise<Token>;
  /** Ids of what is listed, whatever its status. */
  installations(): Promise<readonly Listed[]>;
  close(): Promise<void>;
}

export interface Journey {
  /** Every address on the way. */
  readonly path: readonly string[];
  /** Undefined if there was none. */
  readonly answer: { readonly status: number; readonly body: Connected } | undefined;
}

export interface Connected {
  readonly success: boolean;
  readonly installations: readonly { readonly id: string }[];
  readonly error?: { readonly code: string };
}

export interface Token {
  readonly access_token: string;
  readonly token_id: string;
  readonly installation_id: string;
  readonly api_base_url: string;
}

export interface TokenAnswer {
  readonly status: number;
  readonly body: Token & { readonly error?: { readonly reason: string } };
}

export interface Listed {
  readonly id: string;
  readonly owner?: string;
  readonly status: string;
  readonly last_error?: string;
}

export type DatabaseName = "embedded" | "Postgres";

export async function createStage(database: DatabaseName, sandboxOptions: SandboxOptions = {}): Promise<Stage> {
  const port = await freePort();
  const baseUrl = `http://localhost:${port}`;
  const sandbox = await startSandbox({ autoApprove: true, baseUrl, ...sandboxOptions });
  await compileService();
  const data = await (database === "Postgres" ? onPostgres() : onEmbedded());
  const env: Environment = {
    ...sandbox.environment,
    ...data.env,
    BASE_URL: baseUrl,
    PORT: String(port),
    TOKEN_ENCRYPTION_KEY: randomBytes(32).toString("base64url"),
  };
  let service: ChildService | undefined;
  const running = (): ChildService => {
    if (service === undefined) throw new Error("not started");
    return service;
  };

  const stage: Stage = {
    sandbox,
    env,
    sql: data.sql,
    get service() {
      return running();
    },
    get tap() {
      if (data.tap === undefined) throw new Error("there is no tap");
      return data.tap;
    },
    async start(changes = {}) {
      service = await startChildService({ ...env, ...changes });
      return service;
    },
    async follow(browser, start) {
      const path: string[] = [];
      for (let next: string | undefined = new URL(start, baseUrl).href; next !== undefined; ) {
        path.push(next);
        const response: Response | undefined = await unlessBroken(browser.get(next, asJson));
        const location: string | null | undefined = response?.headers.get("location");
        if (location === null) {
          const body = await unlessBroken(response?.json() ?? Promise.resolve(undefined));
          if (body === undefined || response === undefined) return { path, answer: undefined };
          return { path, answer: { status: response.status, body: body as Connected } };
        }
        next = location === undefined ? undefined : new URL(location, next).href;
      }
      return { path, answer: undefined };
    },
    async connect(platform, owner) {
      const query = owner === undefined ? "" : `?${new URLSearchParams({ owner })}`;
      const { answer } = await stage.follow(createBrowser(), `/oauth/install/${platform}${query}`);
      expect(answer).toMatchObject({ status: 200, body: { success: true } });
      return answer?.body as Connected;
    },
    async token(platform, query) {
      const url = `${running().internalUrl}/oauth/token/${platform}?${new URLSearchParams(query)}`;
      const response = await unlessBroken(fetch(url));
      const body = await unlessBroken(response?.json() ?? Promise.resolve(undefined));
      return body === undefined || response === undefined
        ? undefined
        : { status: response.status, body: body as TokenAnswer["body"] };
    },
    async workingToken(platform, query) {
      const answer = await stage.token(platform, query);
      if (answer?.status !== 200) throw new Error(`no token: ${JSON.stringify(answer?.body)}\n${running().output()}`);
      const token = answer.body;
      expect(token.token_id).toBe(createHash("sha256").update(token.access_token).digest("hex"));
      const headers = { authorization: `Bearer ${token.access_token}`, "user-agent": "test" };
      const reply = await fetch(token.api_base_url + ownApi[platform], { headers });
      expect(reply.status, `${platform} takes its token`).toBe(200);
      // Slack says no with status 200.
      expect(((await reply.json()) as { ok?: boolean }).ok ?? true).toBe(true);
      return token;
    },
    async installations() {
      const all = `${running().internalUrl}/oauth.token.v1.TokenService/ListInstallations`;
      const body = JSON.stringify({ page_size: 500 });
      const reply = await fetch(all, { method: "POST", headers: { "content-type": "application/json" }, body });
      const listed = (await reply.json()) as { installations?: readonly Record<string, string>[] };
      return (listed.installations ?? []).map((one) => ({
        id: one.id ?? "",
        owner: one.owner ?? "",
        status: one.status ?? "",
        last_error: one.lastError ?? "",
      }));
    },
    async close() {
      await service?.kill();
      await sandbox.close();
      await data.remove();
    },
  };
  return stage;
}

/** A new installation, and what asks for another token of it. */
export async function connectAndUse(
  stage: Stage,
  platform: string,
  owner?: string,
): Promise<{ readonly installation_id: string; readonly rejected_token_id: string }> {
  const installation_id = (await stage.connect(platform, owner)).installations[0]?.id ?? "";
  const { token_id } = await stage.workingToken(platform, { installation_id });
  return { installation_id, rejected_token_id: token_id };
}

/** Undefined where the other side closed the connection, or listens no more. */
export async function unlessBroken<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** What each platform answers to the holder of a token. */
const ownApi: Readonly<Record<string, string>> = {
  jira: "/rest/api/3/myself",
  github: "/installation/repositories",
  "github-oauth": "/user",
  slack: "/auth.test",
};

interface Data {
  readonly env: Environment;
  readonly tap?: DatabaseTap;
  sql(statement: string): Promise<readonly Row[]>;
  remove(): Promise<void>;
}

async function onPostgres(): Promise<Data> {
  const database = await createTestDatabase();
  const tap = await tapDatabase(database.url);
  return {
    env: { DATABASE_URL: tap.url },
    tap,
    sql: (statement) => runSql(database.url, statement),
    async remove() {
      await tap.close();
      await database.drop();
    },
  };
}

async function onEmbedded(): Promise<Data> {
  const { directory, remove } = await createTestDirectory();
  return {
    env: { DATA_DIR: directory },
    async sql(statement) {
      const { client, close } = await openEmbeddedDatabase(join(directory, "db"));
      try {
        return (await client.query<Row>(statement)).rows;
      } finally {
        await close();
      }
    },
    remove,
  };
}
