/** The page of an installation, or something that is done with it there. */
export function connectionAddress(id: string, deed?: "revoke" | "reconnect"): string {
  return `/console/connections/${encodeURIComponent(id)}${deed === undefined ? "" : `/${deed}`}`;
}
