import { createCaller } from "../../src/domain/access/caller.ts";

/** A caller who may do one thing with what is acme's on Slack. */
export const acmeAlone = createCaller(
  "acme-alone",
  [
    {
      methods: new Set(["GetToken"]),
      products: new Set(["slack"]),
      owners: new Set(["acme"]),
      ceilings: new Map(),
      rate: undefined,
      returnOrigins: new Set(),
      completeInCallback: false,
    },
  ],
  undefined,
);
