import type { Hands } from "./hands.ts";
import { createPerson } from "./person.ts";
import { platforms } from "./trouble.ts";

/** Callbacks that are refused, each with a real code and a real state. */
export async function loseTheWay(hands: Hands): Promise<void> {
  const { target } = hands;
  const { sandbox, change } = target;
  const [alice, mallory] = [createPerson(target), createPerson(target)];
  const stopped = async (platform: string) => {
    const visit = await alice.go(`/oauth/install/${platform}`, { stopAt: "/oauth/callback/" });
    return new URL(visit.next ?? "");
  };
  for (const platform of platforms) {
    const callback = await stopped(platform);
    await mallory.get(callback.href);
    await mallory.get(callback.href, { accept: "application/json" });
    const other = callback.href.replace(/callback\/[a-z-]+/, platform === "slack" ? "callback/jira" : "callback/slack");
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
}

/** Requests that are wrong and hold a token. */
export async function askNonsense(hands: Hands): Promise<void> {
  const { target, callers, mustGetToken } = hands;
  const { publicUrl } = target;
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
}
