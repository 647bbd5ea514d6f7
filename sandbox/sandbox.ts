import { startAtlassian } from "./atlassian/atlassian.ts";
import { startGithub } from "./github/github.ts";
import type { PlatformOptions } from "./options.ts";
import { startSentry } from "./sentry/sentry.ts";
import { startSlack } from "./slack/slack.ts";
import type { StandIn, StartStandIn } from "./stand-in.ts";

/** Every platform, in the order of their ports. */
const platforms = { github: startGithub, atlassian: startAtlassian, slack: startSlack, sentry: startSentry };

type Platforms = typeof platforms;
type Name = keyof Platforms;

/** What all are started with, and each by itself. */
export interface SandboxOptions extends Omit<PlatformOptions, "port">, PlatformsOptions {
  /** The first one's port; the others take those after it. 0 or none: any free ones. */
  readonly portBase?: number;
  /** The service's `BASE_URL`: its callbacks are registered everywhere. Without it, those of the service's default. */
  readonly baseUrl?: string;
}

type PlatformsOptions = { readonly [One in Name]?: Parameters<Platforms[One]>[0] };
type StandIns = { readonly [One in Name]: Awaited<ReturnType<Platforms[One]>> };

export interface Sandbox extends StandIns {
  readonly all: readonly StandIn[];
  /** The settings with which the service talks to these platforms. */
  readonly environment: Readonly<Record<string, string>>;
  /** Registers the callbacks of a service whose address is known only now. */
  useBaseUrl(baseUrl: string): void;
  close(): Promise<void>;
}

/** How many ports the platforms take. */
export const platformCount = Object.keys(platforms).length;

/** Starts all platforms on loopback. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { portBase = 0, baseUrl, now, random, autoApprove, isolatesPages, ...own } = options;
  const optionsOf: Readonly<Record<string, PlatformOptions | undefined>> = own;
  const settled = await Promise.allSettled(
    Object.entries<StartStandIn>(platforms).map(async ([name, start], offset) => {
      const port = portBase === 0 ? 0 : portBase + offset;
      return [name, await start({ now, random, autoApprove, isolatesPages, port, ...optionsOf[name] })] as const;
    }),
  );
  const started = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const all = started.map(([, standIn]) => standIn);
  const close = async () => void (await Promise.all(all.map((standIn) => standIn.close())));
  const failed = settled.find((one) => one.status === "rejected");
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }
  const sandbox: Sandbox = {
    // One of each name, as its own start made it.
    ...(Object.fromEntries(started) as StandIns),
    all,
    environment: Object.assign({}, ...all.map(({ environment }) => environment)),
    useBaseUrl(url) {
      const base = url.replace(/\/$/, "");
      for (const standIn of all) standIn.useCallbacks((platform) => `${base}/oauth/callback/${platform}`);
    },
    close,
  };
  if (baseUrl !== undefined) sandbox.useBaseUrl(baseUrl);
  return sandbox;
}
