import type { InstallFailure } from "../../../domain/model/install-failure.ts";

/** How an attempt ended, as the browser that finished it is shown it. Names are looked up when it is shown. */
export type Result = {
  /** As callers name it, or whatever stood in the path. */
  readonly platform: string;
  /** Of the request that ended the attempt. */
  readonly requestId: string;
  /** Whether a program waits for this with a link code. */
  readonly forProgram: boolean;
} & (
  | {
      readonly kind: "connected";
      /** The first of them. */
      readonly installationIds: readonly string[];
      /** How many more there are. */
      readonly more: number;
      /** Checked when the attempt ended. */
      readonly returnTo?: string | undefined;
    }
  | { readonly kind: "failed"; readonly failure: InstallFailure }
);

/** So many installations of a result are named. */
export const namedInstallations = 20;
