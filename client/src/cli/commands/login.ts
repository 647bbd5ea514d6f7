import type { Command } from "commander";
import { defaultName, labelOf } from "../accounts/account-store.ts";
import { Failure, usage } from "../failure.ts";
import { printable } from "../output.ts";
import { forgetAccount } from "../service/account-tokens.ts";
import { awaitLink } from "../service/await-link.ts";
import { type StartedLink, startLink } from "../service/link-codes.ts";
import { isLoopback } from "../service/service-url.ts";
import { organizationsOf, type TokenPayload } from "../service/token-payload.ts";
import { type AccountOptions, accountOptions, type CliCommand, type Session } from "../session.ts";

interface LoginOptions extends AccountOptions {
  readonly browser: boolean;
  readonly keyring: boolean;
}

export const login: CliCommand = {
  declare: (program) =>
    accountOptions(program.command("login"))
      .description("sign in: shows a code that is approved in a browser, on this machine or any other")
      .option("--no-browser", "do not open a browser here")
      .option("--no-keyring", "keep the secret in a file of mode 0600 where the system has a keyring"),
  run: signIn,
};

async function signIn(session: Session, command: Command): Promise<number> {
  const { world, output, store } = session;
  const options = command.opts<LoginOptions>();
  const service = session.service ?? onlyService(session);
  const { platform } = options;
  const name = checkedName(options.name ?? defaultName);
  store.proveWritable({ service, platform, name });

  const link = await startLink(world, service, { platform, clientName: `oauth-token on ${world.hostname}` });
  showLink(session, platform, link);
  if (options.browser) open(session, link);
  const payload = await awaitLink(world, output, service, link);

  const { accountId, apiBaseUrl, accountSecret } = payload;
  if (accountSecret === undefined) {
    throw new Failure("failed", "UNEXPECTED_ANSWER", `${service} answered no secret for the account`);
  }
  const organizations = organizationsOf(payload);
  const since = new Date(world.now()).toISOString();
  const account = { service, platform, name, accountId, apiBaseUrl, organizations, since };
  let secretIn: string;
  try {
    world.interrupt.throwIfAborted();
    secretIn = await store.save(account, accountSecret, options.keyring);
  } catch (error) {
    // Nobody would hold its secret. Ctrl-C is why this may be, and a second one ends it.
    const calm = { ...world, interrupt: new AbortController().signal };
    await forgetAccount(calm, { service, platform, accountId, secret: accountSecret }).catch(() => undefined);
    throw error;
  }
  output.result(connectedText(platform, name, payload), {
    event: "connected",
    ...{ platform, name, service, account_id: accountId, api_base_url: apiBaseUrl, organizations },
    secret_in: secretIn,
  });
  return 0;
}

function connectedText(platform: string, name: string, payload: TokenPayload): string {
  const organizations = organizationsOf(payload).map(printable).join(", ");
  const named = name === defaultName ? "" : ` --name ${JSON.stringify(name)}`;
  return [
    `Signed in to ${labelOf({ platform, name })}${organizations === "" ? "" : `: ${organizations}`}.`,
    `A token: oauth-token token --platform ${platform}${named}`,
  ].join("\n");
}

function showLink({ output, world }: Session, platform: string, link: StartedLink): void {
  const { code, verificationUrl, verificationUrlComplete, lifetimeMs } = link;
  const shown = code.replace(/^(\d{3})(\d{4})(\d{4})$/, "$1 $2 $3");
  const text = [
    `To sign in to ${platform}, open ${printable(verificationUrl)}`,
    `and enter the code ${output.strong(printable(shown))}`,
    ...(verificationUrlComplete === verificationUrl ? [] : [`or open ${printable(verificationUrlComplete)}`]),
  ];
  output.result(text.join("\n"), {
    event: "link_code",
    link_code: code,
    verification_url: verificationUrl,
    verification_url_complete: verificationUrlComplete,
    expire_time: new Date(world.now() + lifetimeMs).toISOString(),
  });
}

/** A page of the service and nothing else: other schemes start programs. */
function open({ world }: Session, { verificationUrlComplete }: StartedLink): void {
  try {
    const url = new URL(verificationUrlComplete);
    if (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname))) world.openBrowser(url);
  } catch {
    // The person sees what was answered.
  }
}

/** Who signs in again need not say where. */
function onlyService({ store }: Session): string {
  const [service, another] = [...new Set(store.list().map(({ account }) => account.service))];
  if (service !== undefined && another === undefined) return service;
  throw usage("say which service: --service https://…, or OAUTH_TOKEN_SERVICE_URL");
}

function checkedName(name: string): string {
  if (name !== printable(name) || name.includes("\n") || name.trim() === "" || name.length > 100) {
    throw usage("--name is a word of yours for the account, of at most 100 characters");
  }
  return name;
}
