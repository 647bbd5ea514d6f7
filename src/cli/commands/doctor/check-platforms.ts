import { type ProvenClient, proveClients } from "../../../app/prove-clients.ts";
import type { Config } from "../../../config/load-config.ts";
import { createStorage } from "../../../storage/storage.ts";
import { createPlatformFetch } from "../../../world/platform-fetch.ts";
import type { World } from "../../../world.ts";
import type { CommandWorld } from "../../command.ts";
import { complaining } from "../complaining.ts";
import type { OpenedDatabase } from "../open-database.ts";
import type { HeardTime } from "./check-clock.ts";
import { type Finding, findingsOf, whyOf } from "./finding.ts";

/** Asks every configured platform whether it knows our client, and what time it is there. */
export async function checkPlatforms(
  config: Config | undefined,
  opened: OpenedDatabase | undefined,
  { now, random, ...rest }: CommandWorld,
): Promise<{ readonly findings: readonly Finding[]; readonly heard: readonly HeardTime[] }> {
  if (config === undefined) {
    const finding = findingsOf("platforms")("skipped", "the settings cannot be used");
    return { findings: [finding], heard: [] };
  }
  const { httpsProxy, noProxy } = config.proxy;
  const isOwnHost = (host: string) => config.ownHosts.has(host);
  const { close, fetch, fetchNamed } = createPlatformFetch({ httpsProxy: httpsProxy?.reveal(), noProxy, isOwnHost });
  const heard = new Map<string, HeardTime>();
  const world: World = {
    ...{ now, random, fetchNamed, log: complaining({ ...rest, now, random }) },
    async fetch(input, init) {
      const response = await fetch(input, init);
      const { host } = new URL(input instanceof Request ? input.url : input);
      const theirs = Date.parse(response.headers.get("date") ?? "");
      if (!Number.isNaN(theirs)) heard.set(host, { host, aheadMs: theirs - now().getTime() });
      return response;
    },
  };
  try {
    const proven = await proveClients(config, world, (platform) => anyInstallId(platform, opened, world));
    return { findings: proven.map((one) => findingOf(one, config)), heard: [...heard.values()] };
  } catch (error) {
    return { findings: [findingsOf("platforms")("failed", whyOf(error))], heard: [] };
  } finally {
    await close();
  }
}

const everything = { key: "", rules: [{ products: "all", owners: "all" }] } as const;

/** Of what is connected; undefined also where the database does not say. */
async function anyInstallId(
  platform: string,
  opened: OpenedDatabase | undefined,
  { now, random }: World,
): Promise<string | undefined> {
  if (opened === undefined) return undefined;
  const { installations } = createStorage(
    opened.database,
    { sealer: opened.sealer, now, random },
    async () => undefined,
  );
  const [found] = await installations.list({ platform, status: "active" }, everything, undefined, 1).catch(() => []);
  return found?.externalInstallId;
}

function findingOf({ platform, redirectUri, proof }: ProvenClient, { platforms }: Config): Finding {
  const finding = findingsOf(platform);
  const names = platforms.find(({ products }) => products[0] === platform)?.settingNames ?? [];
  const settings = names.filter((name) => /_(CLIENT_ID|CLIENT_SECRET|APP_ID|PRIVATE_KEY|SLUG)$/.test(name)).join(", ");
  switch (proof.kind) {
    case "known":
      return finding("ok", "knows our client and its secret");
    case "unproven":
      return finding("skipped", `could not be asked yet (${proof.code})`, "connect one, and run this again");
    case "misconfigured":
      return finding("failed", `refuses us (${proof.code})`, adviceOn(proof.code, settings, redirectUri));
    case "rate_limited":
      return finding("warning", "wants to be left alone for now (rate_limited)", "run this again later");
    case "unavailable":
      return finding(
        "failed",
        `gives no answer (${proof.cause})`,
        "see the way there: DNS, firewall, HTTPS_PROXY, and its status page",
      );
  }
}

function adviceOn(code: string, settings: string, redirectUri: string): string {
  if (code === "clock_drift") return "set this machine's clock: what proves us is judged by the platform's";
  if (/redirect/.test(code))
    return `enter ${redirectUri} as an address of the app at the platform, or correct BASE_URL`;
  return `compare ${settings} with the app's page at the platform`;
}
