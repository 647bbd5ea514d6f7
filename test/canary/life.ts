import type { TokenFailure } from "../../sandbox/token-endpoint.ts";
import { doors } from "./callers.ts";
import type { Hands } from "./hands.ts";
import { echo, echoes, endPaths, factPaths, type PlatformName, platforms, refusals, tokenPaths } from "./trouble.ts";
import type { TappedAnswer, TappedRequest } from "./wire-tap.ts";

/** Connects every platform twice, and asks for a token through every door. */
export async function connectEverywhere(hands: Hands): Promise<void> {
  const { callers, mustConnect, mustGetToken } = hands;
  for (const platform of [...platforms, "confluence"]) {
    await mustConnect(platform);
    await mustConnect(platform);
  }
  for (const platform of platforms) for (const _ of doors) await mustGetToken(platform);
  await callers.getToken("connect", { platform: "slack", actor: "ACTOR_USER" });
}

/** Installs that the platform ends in every way it can, then one that works. */
export async function failToConnect(hands: Hands, platform: PlatformName): Promise<void> {
  const { target, connect, mustConnect, answering } = hands;
  const { sandbox } = target;
  for (const answer of Object.values(echoes)) await answering(platform, tokenPaths, answer, () => connect(platform));
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
}

/** One failure after the other, each followed by a success: a platform in lasting trouble would be left alone. */
export async function failToMint(hands: Hands, platform: PlatformName): Promise<void> {
  const { target, callers, mustConnect, selector, mustGetToken, age, answering, reject, nextDoor } = hands;
  const { sandbox, sql, change } = target;
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
}

/** Tokens for single repositories and permissions, granted and refused, and a suspended installation. */
export async function narrow(hands: Hands): Promise<void> {
  const { target, callers, mustGetToken, age, answering } = hands;
  const { sandbox, change } = target;
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
}

/** Ends every installation, whatever the platform says to it. */
export async function revoke(hands: Hands): Promise<void> {
  const { target, callers, mustConnect, mustGetToken, answering, nextDoor } = hands;
  const { sql } = target;
  for (const platform of platforms) {
    for (const answer of [echoes["a gateway's page"], echoes["an error that is the secret"], undefined]) {
      await mustConnect(platform);
      if (platform !== "github") await mustGetToken(platform);
      const rows = await sql`
        select id from installations where platform = ${platform} and status <> 'revoked' order by created_at`;
      const end = async () => {
        for (const { id } of rows) {
          if (nextDoor() === "grpc") await callers.grpc("RevokeInstallation", { installation_id: id, reason: "over" });
          else await callers.http(`/oauth/installations/${id}?reason=over`, { method: "DELETE" });
          await callers.getToken(nextDoor(), { platform, installation_id: id });
        }
      };
      if (answer === undefined) await end();
      else await answering(platform, endPaths, answer, end);
    }
    await mustConnect(platform);
  }
}
