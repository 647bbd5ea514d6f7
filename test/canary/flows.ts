import type { TokenFailure } from "../../sandbox/token-endpoint.ts";
import { type Callers, createCallers, type Door, doors } from "./callers.ts";
import { createPerson } from "./person.ts";
import type { TappedPlatform, Target } from "./target.ts";
import type { TappedAnswer, TappedRequest } from "./wire-tap.ts";

export const platforms = ["github", "github-oauth", "jira", "slack"] as const;
export type PlatformName = (typeof platforms)[number];

const tapOf: Record<PlatformName, TappedPlatform> = {
  github: "github",
  "github-oauth": "github",
  jira: "atlassian",
  slack: "slack",
};

/** Where a platform gives tokens, and where it says who somebody is. */
const tokenPaths =
  /\/login\/oauth\/access_token$|\/access_tokens$|\/oauth\/token$|\/oauth\.v2\.access$|\/auth\.test$|\/applications\/[^/]+\/token$/;
const factPaths = /\/user$|\/user\/installations$|\/accessible-resources$|\/me$|\/myself$/;
const endPaths = /\/oauth\/revoke$|\/auth\.revoke$|\/app\/installations\/\d+$|\/applications\/[^/]+\/token$/;

/** Everything the request holds, in a platform's own error page. */
function echo({ headers, body }: TappedRequest): string {
  return JSON.stringify({ authorization: headers.authorization, body });
}

/** The secret that the request is about. */
function secretOf({ headers, body }: TappedRequest): string {
  const found = /"?(?:refresh_token|code|access_token|token)"?[=:]"?([^"&]+)/.exec(body);
  return decodeURIComponent(found?.[1] ?? headers.authorization?.split(" ")[1] ?? "nothing");
}

/** Ways to fail that give the secret back to who sent it. */
const echoes: Record<string, (request: TappedRequest) => TappedAnswer> = {
  "a gateway's page": (request) => ({
    status: 502,
    headers: { "content-type": "text/html" },
    body: `<pre>${echo(request)}</pre>`,
  }),
  "an error that is the secret": (request) => ({
    status: 400,
    body: JSON.stringify({
      ok: false,
      error: secretOf(request),
      error_description: echo(request),
      message: echo(request),
    }),
  }),
  "an error inside 200": (request) => ({
    status: 200,
    body: JSON.stringify({ ok: false, error: secretOf(request), error_description: echo(request) }),
  }),
  "a wrong client": (request) => ({
    status: 401,
    body: JSON.stringify({
      error: "invalid_client",
      error_description: echo(request),
      message: `Bad credentials ${echo(request)}`,
    }),
  }),
  "a limit": (request) => ({ status: 429, headers: { "retry-after": "1" }, body: echo(request) }),
  "a redirect": (request) => ({
    status: 302,
    headers: { location: `http://127.0.0.1:9/?token=${encodeURIComponent(secretOf(request))}` },
    body: "",
  }),
  "half of an answer": (request) => ({
    status: 200,
    body: `{"ok":true,"token_type":"bearer","access_token":"${secretOf(request)}`,
    broken: true,
  }),
  "broken JSON": (request) => ({ status: 200, body: `{"access_token":"${secretOf(request)}",` }),
};

/** How each platform calls a code that is spent, or a refresh token that is dead. */
const refusals: Record<PlatformName, { readonly code: string; readonly token: string; readonly status: number }> = {
  github: { code: "bad_verification_code", token: "Not Found", status: 200 },
  "github-oauth": { code: "bad_verification_code", token: "bad_refresh_token", status: 200 },
  jira: { code: "invalid_grant", token: "invalid_grant", status: 403 },
  slack: { code: "invalid_code", token: "invalid_refresh_token", status: 200 },
};

/** The whole life of tokens, on one target. */
export async function runFlows(target: Target): Promise<void> {
  const callers = createCallers(target);
  const flows = createFlows(target, callers);
  try {
    await flows.connectEverywhere();
    for (const platform of platforms) {
      await flows.failToConnect(platform);
      await flows.failToMint(platform);
    }
    await flows.narrow();
    await flows.loseTheWay();
    await flows.askNonsense();
    await flows.revoke();
    await flows.breakRows();
    await flows.breakTheDatabase();
    await flows.crash();
    await flows.look();
  } finally {
    callers.close();
  }
}

/** What leaves something in the database: installs, first tokens, and tokens in place of refused ones. */
export async function runShortFlows(target: Target): Promise<void> {
  const callers = createCallers(target);
  const flows = createFlows(target, callers);
  try {
    await flows.connectEverywhere();
    for (let round = 0; round < 2; round++) for (const platform of platforms) await flows.reject(platform);
  } finally {
    callers.close();
  }
}

function createFlows(target: Target, callers: Callers) {
  const { sandbox, taps, sql, change, publicUrl } = target;
  let turn = 0;
  const nextDoor = (): Door => doors[turn++ % doors.length] ?? "rest";

  async function connect(platform: string, json = turn++ % 2 === 0): Promise<number> {
    const { status } = await createPerson(target).go(`/oauth/install/${platform}`, { json });
    return status;
  }

  async function mustConnect(platform: string): Promise<void> {
    const status = await connect(platform);
    if (status !== 200) throw new Error(`${platform} was not connected but answered ${status}`);
  }

  /** Selects what the same person's grant serves: the one site of several. */
  function selector(platform: PlatformName): Record<string, string> {
    return platform === "jira" ? { platform, external_org_id: "1324a887-45db-4bf4-8e99-ef0ff456d421" } : { platform };
  }

  async function mustGetToken(platform: PlatformName, more: Record<string, string> = {}): Promise<string> {
    const answer = await callers.getToken(nextDoor(), { ...selector(platform), ...more });
    if (answer.accessToken === undefined) throw new Error(`no token of ${platform}: ${answer.text}`);
    return answer.accessToken;
  }

  /** Makes every stored token too old to be served, and nobody wait. */
  async function age(): Promise<void> {
    await change(`
      update credentials set expires_at = now() - interval '1 minute', issued_at = now() - interval '1 day',
        lease_until = null where kind <> 'long_lived'`);
  }

  /** Lets the platform answer so to whatever is asked at these paths, while `work` runs. */
  async function answering(
    platform: PlatformName,
    paths: RegExp,
    answer: (request: TappedRequest) => TappedAnswer,
    work: () => Promise<unknown>,
  ): Promise<void> {
    const tap = taps[tapOf[platform]];
    tap.answer = (request) => (paths.test(request.path) ? answer(request) : undefined);
    await work();
    tap.answer = () => undefined;
  }

  async function reject(platform: PlatformName): Promise<void> {
    const rejected_token_id = await tokenId(platform);
    await callers.getToken(nextDoor(), { ...selector(platform), rejected_token_id });
  }

  async function tokenId(platform: PlatformName): Promise<string> {
    const { text } = await callers.getToken("rest", selector(platform));
    return (JSON.parse(text) as { token_id: string }).token_id;
  }

  return {
    reject,

    async connectEverywhere() {
      for (const platform of [...platforms, "confluence"]) {
        await mustConnect(platform);
        await mustConnect(platform);
      }
      for (const platform of platforms) for (const _ of doors) await mustGetToken(platform);
      await callers.getToken("connect", { platform: "slack", actor: "ACTOR_USER" });
    },

    async failToConnect(platform: PlatformName) {
      for (const answer of Object.values(echoes))
        await answering(platform, tokenPaths, answer, () => connect(platform));
      const facts = [echoes["a gateway's page"], echoes["an error that is the secret"], echoes["broken JSON"]];
      for (const answer of facts) if (answer) await answering(platform, factPaths, answer, () => connect(platform));
      const { code, status } = refusals[platform];
      const spent = (request: TappedRequest) => ({
        status,
        body: JSON.stringify({ ok: false, error: code, error_description: echo(request) }),
      });
      await answering(platform, tokenPaths, spent, () => connect(platform));
      const controls = {
        github: sandbox.github,
        "github-oauth": sandbox.github,
        jira: sandbox.atlassian,
        slack: sandbox.slack,
      };
      controls[platform].controls.setDecision("deny");
      await connect(platform, false);
      await connect(platform, true);
      controls[platform].controls.setDecision("approve");
      await mustConnect(platform);
    },

    /** One failure after the other, each followed by a success: a platform in lasting trouble would be left alone. */
    async failToMint(platform: PlatformName) {
      const longLived =
        (await sql`select 1 from credentials where kind = 'long_lived' and platform = ${platform}`).length > 0;
      const ask = async () => {
        if (longLived) await reject(platform);
        else await callers.getToken(nextDoor(), selector(platform));
      };
      const recover = async () => {
        await age();
        await change(`update credentials set lease_until = null`);
        await mustGetToken(platform);
      };
      for (const answer of Object.values(echoes)) {
        await age();
        await answering(platform, tokenPaths, answer, ask);
        await recover();
      }
      const lost: readonly TokenFailure[] = ["reset", { status: 503, body: "down" }];
      const controls = platform === "jira" ? sandbox.atlassian : platform === "slack" ? sandbox.slack : sandbox.github;
      for (const failure of longLived ? [] : lost) {
        await age();
        controls.controls.fail(failure);
        await ask();
        await recover();
      }
      // And the end of the grant, with its secret in the description.
      const { token, status } = refusals[platform];
      const end = (request: TappedRequest): TappedAnswer => ({
        status: longLived && platform === "github-oauth" ? 404 : status,
        body: JSON.stringify({
          ok: false,
          error: longLived ? "token_revoked" : token,
          error_description: echo(request),
          message: echo(request),
        }),
      });
      await age();
      if (platform !== "github") await answering(platform, tokenPaths, end, ask);
      await callers.getToken(nextDoor(), selector(platform));
      await mustConnect(platform);
      await mustGetToken(platform);
    },

    async narrow() {
      const shape = (contents: string) => ({ platform: "github", github: { permissions: { contents } } });
      await callers.getToken("grpc", shape("read"));
      await callers.getToken("connect", shape("write"));
      await callers.getToken("connect", shape("admin"));
      await callers.getToken("grpc", { platform: "github", github: { repositories: ["no-such-repository"] } });
      let serial = 0;
      for (const answer of Object.values(echoes)) {
        const github = { repository_ids: [String(4000 + serial++)] };
        await answering("github", tokenPaths, answer, () => callers.getToken("grpc", { platform: "github", github }));
        await callers.getToken("connect", {
          platform: "github",
          github: { repository_ids: ["3001"], permissions: { issues: serial % 2 === 0 ? "read" : "write" } },
        });
        await age();
        await change(`update credentials set lease_until = null`);
        await mustGetToken("github");
      }
      const ours = sandbox.github.controls.installations().at(-1)?.id ?? 0;
      sandbox.github.controls.suspend(ours);
      await age();
      await callers.getToken("grpc", { platform: "github" });
      sandbox.github.controls.unsuspend(ours);
      await change(`update credentials set lease_until = null`);
      await mustGetToken("github");
    },

    /** Callbacks that are refused, each with a real code and a real state. */
    async loseTheWay() {
      const [alice, mallory] = [createPerson(target), createPerson(target)];
      const stopped = async (platform: string) => {
        const visit = await alice.go(`/oauth/install/${platform}`, { stopAt: "/oauth/callback/" });
        return new URL(visit.next ?? "");
      };
      for (const platform of platforms) {
        const callback = await stopped(platform);
        await mallory.get(callback.href);
        await mallory.get(callback.href, { accept: "application/json" });
        const other = callback.href.replace(
          /callback\/[a-z-]+/,
          platform === "slack" ? "callback/jira" : "callback/slack",
        );
        await alice.get(other);
        const elsewhere = callback.href.replace("localhost", "127.0.0.1");
        await alice.get(elsewhere);
        await alice.get(`${callback.href}&code=again`);
        await alice.get(`${callback.href}&%zz=1`);
        await alice.get(callback.href.replace(/state=[^&]*/, "state=made-up"));
        await alice.get(callback.href.replace(/[?&]state=[^&]*/, "?"));
        await alice.get(callback.href);
        await alice.get(callback.href);
        const late = await stopped(platform);
        await change(`update attempts set expires_at = now() - interval '1 second' where consumed_at is null`);
        await alice.get(late.href);
        const spoiled = await stopped(platform);
        spoiled.searchParams.set("error", spoiled.searchParams.get("code") ?? "");
        await alice.get(spoiled.href);
        const foreign = await stopped(platform);
        foreign.searchParams.set("iss", foreign.searchParams.get("code") ?? "");
        await alice.get(foreign.href);
      }
      const { id } = sandbox.github.controls.installations().at(-1) ?? { id: 1 };
      await alice.go(`/oauth/install/github?installation_id=${id}&setup_action=install`);
      await alice.go(`/oauth/callback/github?installation_id=1&setup_action=update`, { json: true });
      await alice.get("/oauth/callback/github?setup_action=request");
    },

    /** Requests that are wrong and hold a token. */
    async askNonsense() {
      const person = createPerson(target);
      const held = [await mustGetToken("github"), await mustGetToken("slack"), await mustGetToken("github-oauth")];
      for (const token of held) {
        const t = encodeURIComponent(token);
        for (const path of [
          `/oauth/token/${t}`,
          `/oauth/token/slack?installation_id=${t}`,
          `/oauth/token/slack?min_ttl=${t}`,
          `/oauth/token/slack?actor=${t}`,
          `/oauth/token/slack?rejected_token_id=${t}`,
          `/oauth/token/slack?owner=${t}&owner=${t}`,
          `/oauth/token/slack?external_org_id=${t}`,
          `/oauth/token/slack?external_user_id=${t}%00`,
          `/oauth/installations?page_token=${t}`,
          `/oauth/installations?status=${t}`,
          `/oauth/installations?page_size=${t}`,
          `/oauth/installations?platform=${t}`,
          `/oauth/${t}`,
          `/${t}/%ff`,
          `/oauth.token.v1.TokenService/${t}`,
        ]) {
          await callers.http(path);
        }
        await callers.http(`/oauth/installations/${t}`, { method: "DELETE" });
        await callers.http(`/oauth/token/slack`, { method: "POST", body: token });
        for (const body of [
          { platform: token },
          { installation_id: token },
          { installationId: token.slice(0, 40) },
          { platform: "slack", min_ttl: token },
          { platform: "slack", actor: token },
          { platform: "slack", page_size: token },
          { platform: "slack", rejected_token_id: token },
          { platform: { token } },
          { platform: "github", github: { permissions: { [token]: "read" } } },
          { platform: "github", github: { permissions: { contents: token } } },
          { platform: "github", github: { repositories: [`${token}/x`] } },
          { platform: "github", github: { repository_ids: [token] } },
          { platform: "github", github: { [token]: 1 } },
          { platform: "github", github: token },
          { [token]: 1 },
          token,
          `{"platform":"slack","owner":"${token}`,
          [token],
        ]) {
          await callers.connect("GetToken", body);
        }
        await callers.connect("RevokeInstallation", { installation_id: token });
        await callers.connect("ListInstallations", { page_token: token, status: 99 });
        await callers.connect(token, {});
        for (const type of [token.slice(0, 60), `application/${token.slice(0, 30)}`]) {
          const headers = { "content-type": type };
          await callers.http("/oauth.token.v1.TokenService/GetToken", { method: "POST", headers, body: token });
        }
        for (const request of [
          { platform: token },
          { installation_id: token },
          { platform: "github", github: { permissions: { [token]: "read" } } },
          { platform: "github", github: { repositories: [`${token}/x`] } },
          { platform: "slack", rejected_token_id: token },
        ]) {
          await callers.grpc("GetToken", request);
        }
        await callers.grpc("ListInstallations", { page_token: token });
        await callers.grpcBytes("/oauth.token.v1.TokenService/GetToken", Buffer.from(token));
        // Not in the method's name: grpc-js repeats that by itself, to the one who sent it.
        await callers.grpcBytes("/oauth.token.v1.TokenService/NoMethod", Buffer.from(token));
        for (const path of [
          `/oauth/install/${t}`,
          `/oauth/callback/${t}?code=${t}&state=${t}`,
          `/oauth/callback/slack?code=${t}&state=${t}`,
          `/oauth/callback/slack?error=${t}&error_description=${t}`,
          `/oauth/callback/github?installation_id=${t}`,
          `/oauth/callback/github?iss=${t}&code=${t}`,
          `/oauth/install/slack?return_to=${encodeURIComponent(`https://evil.example/?t=${token}`)}`,
          `/oauth/install/slack?link=${t}`,
          `/oauth/install/slack?owner=${t}&owner=${t}`,
          `/${t}`,
          `/oauth/callback/slack?%zz=${t}`,
        ]) {
          await person.get(path, { authorization: `Bearer ${token}`, cookie: `ots-0123456789abcdef=${token}` });
          await person.get(path, { accept: "application/json", referer: `${publicUrl}/?t=${t}` });
        }
      }
    },

    async revoke() {
      for (const platform of platforms) {
        for (const answer of [echoes["a gateway's page"], echoes["an error that is the secret"], undefined]) {
          await mustConnect(platform);
          if (platform !== "github") await mustGetToken(platform);
          const rows = await sql`
            select id from installations where platform = ${platform} and status <> 'revoked' order by created_at`;
          const end = async () => {
            for (const { id } of rows) {
              if (turn++ % 2 === 0) await callers.grpc("RevokeInstallation", { installation_id: id, reason: "over" });
              else await callers.http(`/oauth/installations/${id}?reason=over`, { method: "DELETE" });
              await callers.getToken(nextDoor(), { platform, installation_id: id });
            }
          };
          if (answer === undefined) await end();
          else await answering(platform, endPaths, answer, end);
        }
        await mustConnect(platform);
      }
    },

    async breakRows() {
      await change(
        `update credentials set access_token = refresh_token, refresh_token = access_token where platform = 'slack'`,
      );
      await change(
        `update credentials set access_token = overlay(access_token placing 'AAAA' from 40) where platform <> 'slack'`,
      );
      for (const platform of platforms) {
        for (const door of doors) await callers.getToken(door, selector(platform));
      }
      const rows = await sql`select id from installations where platform = 'slack' and status = 'active'`;
      for (const { id } of rows) await callers.grpc("RevokeInstallation", { installation_id: id });
      for (const platform of platforms) await mustConnect(platform);
    },

    async breakTheDatabase() {
      for (const platform of platforms) await mustGetToken(platform);
      await sql`alter table audit_events add constraint broken check (count < 0) not valid`;
      for (const platform of platforms) {
        await mustConnect(platform);
        for (const door of doors) await callers.getToken(door, selector(platform));
      }
      await sql`alter table audit_events drop constraint broken`;

      await age();
      await sql`alter table credentials add constraint broken check (access_token is null) not valid`;
      for (const platform of platforms) {
        for (const door of doors) await callers.getToken(door, selector(platform));
        await connect(platform, true);
        await connect(platform, false);
      }
      await sql`alter table credentials drop constraint broken`;

      for (const column of ["refresh_token", "access_token"]) {
        await sql.unsafe(`alter table credentials rename column ${column} to gone`);
        for (const platform of platforms) {
          for (const door of doors) await callers.getToken(door, selector(platform));
          await connect(platform);
        }
        await sql.unsafe(`alter table credentials rename column gone to ${column}`);
      }

      await sql`alter table attempts rename to gone`;
      for (const platform of platforms) await connect(platform);
      const person = createPerson(target);
      await person.get("/oauth/callback/slack?code=some-code&state=some-state");
      await sql`alter table gone rename to attempts`;
    },

    /** What nobody foresaw: the randomness ends, with a secret in the error. Only in this process can that be made. */
    async crash() {
      if (target.crash === undefined) return;
      for (const platform of platforms) await connect(platform);
      await age();
      const { privateKeyPem } = sandbox.github;
      target.crash(new Error(`no randomness for ${privateKeyPem}`, { cause: new RangeError(privateKeyPem) }));
      for (const platform of platforms) {
        await connect(platform, true);
        await connect(platform, false);
        for (const door of doors) await callers.getToken(door, selector(platform));
      }
      target.crash(undefined);
    },

    /** Everything that can be read without asking for a token. */
    async look() {
      await callers.http("/health");
      await callers.http("/health?full=1");
      await callers.http("/metrics");
      await callers.http("/oauth/installations");
      await callers.http("/oauth/installations?status=revoked&page_size=3");
      await callers.connect("ListInstallations", { page_size: 2 });
      await callers.grpc("ListInstallations", { page_size: 500 });
      for (const { id } of await sql`select id from installations`) {
        await callers.grpc("GetInstallation", { installation_id: id });
      }
      await callers.reflect();
      const person = createPerson(target);
      for (const path of ["/health", "/v1/healthz", "/", "/metrics"]) await person.get(path);
      await dump(target);
    },
  };
}

/** Every row of every table, as text. */
async function dump({ sql, outputs }: Target): Promise<void> {
  const tables = await sql`
    select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`;
  for (const { schemaname, tablename } of tables) {
    const rows = await sql.unsafe(`select t::text as row from ${schemaname}.${tablename} t`);
    for (const { row } of rows) outputs.push({ where: `table ${tablename}`, text: row });
  }
}
