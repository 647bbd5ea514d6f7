import { randomBytes } from "node:crypto";

/** What every sandbox platform can be started with. */
export interface PlatformOptions {
  /** Port on 127.0.0.1; 0 takes any free one. */
  readonly port?: number | undefined;
  /** The platform's clock: Date headers and every expiry follow it. */
  readonly now?: (() => Date) | undefined;
  readonly random?: ((bytes: number) => Buffer) | undefined;
  /** Whether the person at the browser approves everything at once; otherwise a consent page asks. */
  readonly autoApprove?: boolean | undefined;
  /** Whether its pages are cut off from whoever opened them in a popup (COOP), as those of some platforms and their sign-ins are. */
  readonly isolatesPages?: boolean | undefined;
}

/** The same with defaults filled in. */
export interface PlatformWorld {
  readonly port: number;
  readonly now: () => Date;
  readonly random: (bytes: number) => Buffer;
  readonly autoApprove: boolean;
  readonly isolatesPages: boolean;
}

export function platformWorld(options: PlatformOptions): PlatformWorld {
  return {
    port: options.port ?? 0,
    now: options.now ?? (() => new Date()),
    random: options.random ?? randomBytes,
    autoApprove: options.autoApprove ?? false,
    isolatesPages: options.isolatesPages ?? false,
  };
}
