/** What revoking at the platform came to, in words. */
export const atPlatform = {
  revoked: "revoked",
  unsupported: "not supported there",
  shared: "kept, because something else uses it",
  failed: "FAILED",
  unknown: "not known, another process is asking",
} as const;
