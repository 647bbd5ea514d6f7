import { allSettings } from "../src/config/all-settings.ts";
import { knownNames } from "../src/settings/setting.ts";
import type { Environment } from "../src/settings/setting-reader.ts";
import { platformCount } from "./sandbox.ts";

export interface DemoSettings {
  readonly ports: {
    readonly sandbox: number;
    readonly public: number;
    readonly internal: number;
    readonly grpc: number;
    readonly product: number;
  };
  readonly baseUrl: string;
  /** Undefined: a temporary one. */
  readonly dataDir: string | undefined;
  readonly autoApprove: boolean;
  /** The environment of the service before the demo's own settings are added. */
  readonly inherited: Readonly<Record<string, string>>;
  /** Names of settings that are set and have no say in the demo. */
  readonly ignored: readonly string[];
}

/** A setting of the demo that cannot be used; the message is for people. */
export class DemoSettingError extends Error {}

/** The sandbox's platforms, then the three listeners of the service, then the product. */
export const demoPortCount = platformCount + 4;

/** Settings that are as good here as anywhere; the ones in `ours` are read by the demo itself. */
const honoured = ["LOG_LEVEL", "DRAIN_SECONDS", "CACHE_MAX_ENTRIES", "TOKEN_CIPHER", "ALLOWED_RETURN_ORIGINS"];
const ours = ["PORT", "INTERNAL_PORT", "GRPC_PORT", "DATA_DIR", "DEMO_PORT_BASE"];
/** Harmless, and set on many machines for other programs. */
const elsewhere = ["HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"];

/**
 * Reads the demo's settings. Of the service's own settings only the harmless ones are passed on: with the database,
 * keys or platforms of a real deployment it would be no demo. Anything the service does not know is passed on too.
 * @throws DemoSettingError
 */
export function readDemoSettings(env: Environment): DemoSettings {
  const base = readPort(env, "DEMO_PORT_BASE", 65_535 - demoPortCount + 1);
  const beside = (offset: number) => (base === undefined ? undefined : base + offset);
  const ports = {
    sandbox: base ?? 8020,
    public: readPort(env, "PORT") ?? beside(platformCount) ?? 8010,
    internal: readPort(env, "INTERNAL_PORT") ?? beside(platformCount + 1) ?? 8011,
    grpc: readPort(env, "GRPC_PORT") ?? beside(platformCount + 2) ?? 50_051,
    product: beside(platformCount + 3) ?? 8012,
  };
  const given = localUrl(env.BASE_URL);
  const known = knownNames(allSettings);
  const passed = new Set([...honoured, ...elsewhere]);
  const isPassed = (name: string) => !known.has(name) || passed.has(name) || name.startsWith("OTEL_");
  const set = Object.entries(env).filter((entry): entry is [string, string] => (entry[1] ?? "") !== "");
  const read = new Set([...ours, ...(given === undefined ? [] : ["BASE_URL"])]);
  return {
    ports,
    baseUrl: given ?? `http://localhost:${ports.public}`,
    dataDir: env.DATA_DIR || undefined,
    autoApprove: env.SANDBOX_AUTO_APPROVE === "1",
    inherited: Object.fromEntries(set.filter(([name]) => isPassed(name))),
    ignored: set.flatMap(([name]) => (isPassed(name) || read.has(name) ? [] : [name])).sort(),
  };
}

function readPort(env: Environment, name: string, largest = 65_535): number | undefined {
  const text = env[name] ?? "";
  if (text === "") return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port <= largest) return port;
  throw new DemoSettingError(`${name}: ${text} is not a port from 1 to ${largest}`);
}

/** A real deployment's address leads nowhere in the demo. */
function localUrl(text: string | undefined): string | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined;
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(text).hostname) ? text : undefined;
}
