import type { Call, Fault } from "./http/platform-server.ts";
import type { PlatformOptions } from "./options.ts";

/** A platform of the sandbox while it runs. */
export interface StandIn {
  /** What people call it. */
  readonly label: string;
  readonly url: string;
  /** What can be connected there, as the service calls it. */
  readonly products: readonly string[];
  /** The settings with which the service talks to it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly calls: readonly Call[];
  readonly faults: readonly Fault[];
  /** Registers the service's callbacks, by the names of their routes, in the place of those before. */
  useCallbacks(callbackOf: (platform: string) => string): void;
  close(): Promise<void>;
}

export type StartStandIn = (options: PlatformOptions) => Promise<StandIn>;
