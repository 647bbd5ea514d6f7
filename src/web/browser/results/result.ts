import type { InstallFailure } from "../../../domain/model/install-failure.ts";

/** How an attempt ended, as the browser that finished it is shown it. Names are looked up when it is shown. */
export type Result = {
  /** As callers name it, or whatever stood in the path. */
  readonly platform: string;
  /** Of the request that ended the attempt. */
  readonly requestId: string;
  /** Whether a program waits for this with a link code. */
  readonly forProgram: boolean;
  /** In a popup that a product's page watches. */
  readonly popup?: ResultPopup | undefined;
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

/** What the page of a result in a popup tells the page that opened it. */
export interface ResultPopup {
  /** The one origin that is told; undefined: there is none. */
  readonly opener: string | undefined;
  /** For CompleteInstall. Where nobody takes it, the popup itself brings it to `returnTo`, whose query has it. */
  readonly completionCode?: string | undefined;
}

/** So many installations of a result are named. */
export const namedInstallations = 20;
