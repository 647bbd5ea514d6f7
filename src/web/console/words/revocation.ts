/** How far a revocation reaches at its platform. */
export type RevocationReach = "token" | "grant" | "app";

/** What revoking would do at the platform; undefined: nothing, since this service has no settings of it. */
export function reachWords(reach: RevocationReach | undefined): string {
  return reach === undefined ? unreachable : reaches[reach];
}

const unreachable =
  "Nothing happens there: this service has no settings of that platform. Somebody has to remove the app there by hand.";

const reaches: Readonly<Record<RevocationReach, string>> = {
  token: "The tokens that are kept here are revoked there, unless another connection uses them.",
  grant:
    "The grant is revoked there, and with it perhaps other tokens of the same person, unless another connection uses it.",
  app: "The app is uninstalled from the organization, for everybody who uses it there.",
};

/** What it came to at the platform, by the name in the answer of RevokeInstallation. */
export function outcomeWords(revocation: string): { readonly text: string; readonly isDone: boolean } {
  return outcomes[revocation.replace("PROVIDER_REVOCATION_", "")] ?? unknown;
}

const unknown = {
  text: "How the platform took it is not known yet: that is being finished, and will be on record below.",
  isDone: true,
};

const outcomes: Readonly<Record<string, typeof unknown>> = {
  REVOKED: { text: "The platform has ended it as well.", isDone: true },
  SHARED: { text: "Nothing was ended at the platform, since another connection still uses the grant.", isDone: true },
  UNSUPPORTED: {
    text: "The platform has no way to end it from here: somebody should remove the app there by hand.",
    isDone: false,
  },
  FAILED: {
    text: "The platform could not be reached, or refused: it may still be alive there. Somebody should remove the app there by hand.",
    isDone: false,
  },
};
