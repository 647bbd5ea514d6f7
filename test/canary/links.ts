import type { Hands } from "./hands.ts";
import { createPerson } from "./person.ts";
import type { Target } from "./target.ts";

interface Started {
  readonly link_code: string;
  readonly poll_secret: string;
  readonly verification_url_complete: string;
}

/** Link codes that are approved, denied, and asked for with every secret in every wrong place. */
export async function linkPrograms({ target }: Hands): Promise<void> {
  const program = createProgram(target);
  const { sandbox } = target;
  for (const platform of ["slack", "jira", "github-oauth"]) {
    const started = await program.start(platform);
    await program.poll(started);
    await program.poll(started);
    await misuse(program, started.poll_secret, started);
    const person = createPerson(target);
    const asked = await person.submit(await person.get(started.verification_url_complete));
    const approved = await person.submit(asked, { decision: "approve" });
    await person.go(approved.onward ?? "");
    const { account_id, account_secret } = await program.poll(started);
    await program.poll(started);
    const account = `/v1/tokens/${account_id}`;
    const { token_id } = await program.ask(account, { bearer: account_secret });
    await program.ask(`${account}?rejected_token_id=${token_id}`, { bearer: account_secret });
    await misuse(program, String(account_secret), started);
    const next = await program.ask(`${account}/secret`, { method: "POST", bearer: account_secret });
    await program.ask(account, { bearer: next.account_secret });
    await program.ask(account, { method: "DELETE", bearer: next.account_secret });
    await program.ask(account, { bearer: next.account_secret });
  }
  const refused = await program.start("slack");
  const person = createPerson(target);
  const asked = await person.submit(await person.get(refused.verification_url_complete));
  await createPerson(target).submit(asked, { decision: "approve" });
  await person.submit(asked, { decision: "deny" });
  await program.poll(refused);
  const denied = await program.start("slack");
  sandbox.slack.controls.setDecision("deny");
  const page = await person.submit(await person.get(denied.verification_url_complete));
  await person.go((await person.submit(page, { decision: "approve" })).onward ?? "");
  sandbox.slack.controls.setDecision("approve");
  await program.poll(denied);
}

/** One secret wherever another word belongs. */
async function misuse(program: Program, secret: string, { link_code }: Started): Promise<void> {
  const t = encodeURIComponent(secret);
  for (const path of [
    `/v1/poll/${t}`,
    `/v1/poll/${link_code}?poll_secret=${t}`,
    `/v1/tokens/${t}`,
    `/v1/tokens/${link_code}?rejected_token_id=${t}`,
    `/v1/tokens/${t}?${t}=1`,
    `/v1/${t}`,
    `/link?code=%zz${t}`,
  ]) {
    await program.ask(path, { bearer: secret });
    await program.ask(path, { bearer: `${secret}x` });
    await program.ask(path, { bearer: link_code });
  }
  for (const body of [{ platform: secret }, { platform: "slack", [secret]: 1 }, { platform: { secret } }, secret]) {
    await program.ask("/v1/link-code", { method: "POST", body: JSON.stringify(body) });
  }
  await program.ask("/v1/link-code", { method: "POST", body: `{"platform":"${secret}` });
}

type Program = ReturnType<typeof createProgram>;

/** A program that keeps every answer it gets, but for what it was rightly given. */
function createProgram({ publicUrl, canaries, outputs }: Target) {
  const secrets = {
    poll_secret: "poll secret",
    account_secret: "account secret",
    access_token: "access token",
    link_code: "link code",
  } as const;
  type Answer = {
    readonly [name in keyof typeof secrets | "account_id" | "token_id" | "verification_url_complete"]?: string;
  };

  async function ask(
    path: string,
    { bearer, ...init }: RequestInit & { readonly bearer?: string | undefined } = {},
  ): Promise<Answer> {
    const headers = {
      connection: "close",
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      ...(init.body !== undefined && { "content-type": "application/json" }),
    };
    const response = await fetch(new URL(path, publicUrl), { ...init, headers });
    const text = await response.text();
    outputs.push({ where: "a header of the public listener", text: JSON.stringify([...response.headers]) });
    if (!text.startsWith("{")) {
      outputs.push({ where: "a page", text: text.replaceAll(/<input [^>]*>/g, "") });
      return {};
    }
    const answer = JSON.parse(text) as Record<string, string>;
    const kept = Object.entries(answer).filter(
      ([name]) => !Object.hasOwn(secrets, name) && !name.endsWith("_complete"),
    );
    outputs.push({ where: "an answer to a program", text: JSON.stringify(kept) });
    for (const [name, what] of Object.entries(secrets)) canaries.add(what, answer[name]);
    const proof = /[?&]proof=([^&]*)/.exec(answer.verification_url_complete ?? "")?.[1];
    canaries.add("link proof", proof);
    return answer;
  }

  return {
    ask,
    async start(platform: string): Promise<Started> {
      const body = JSON.stringify({ platform, client_name: "canary" });
      const started = await ask("/v1/link-code", { method: "POST", body });
      const { link_code, poll_secret, verification_url_complete } = started;
      if (link_code === undefined || poll_secret === undefined || verification_url_complete === undefined) {
        throw new Error(`no link code for ${platform}`);
      }
      return { link_code, poll_secret, verification_url_complete };
    },
    poll: ({ link_code, poll_secret }: Started) => ask(`/v1/poll/${link_code}`, { bearer: poll_secret }),
  };
}
