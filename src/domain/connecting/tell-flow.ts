import type { InstallFailure } from "../model/install-failure.ts";

/** Why a flow failed. */
export type FlowFailure = InstallFailure | "invalid_request";

/** Where a connection stands that a product's page watches, by the name of its flow (hashed). */
export type FlowNews =
  /** The person reads who asks. */
  | { readonly state: "opened"; readonly returnTo: string | undefined }
  | { readonly state: "at_platform"; readonly returnTo: string | undefined }
  | { readonly state: "finishing" }
  /** `completion`: the page of the result has a code to bring. */
  | { readonly state: "connected"; readonly completion: boolean }
  | { readonly state: "failed"; readonly reason: FlowFailure }
  /** It fails before it came to the platform. What came there already is another try of the same, and goes on. */
  | { readonly state: "refused"; readonly reason: FlowFailure; readonly returnTo: string | undefined };

/** Tells who watches a flow; undefined: nobody does. Never throws: no connection fails for who looks on. */
export type TellFlow = (flow: string | undefined, news: FlowNews) => Promise<void>;
