/** How the public integration is registered, and what the server it is registered at can do. */
export interface SentryRegistration {
  readonly slug: string;
  readonly clientId: string;
  clientSecret: string;
  /** Where browsers are sent after an install; undefined: nowhere. */
  redirectUrl: string | undefined;
  readonly scopes: readonly string[];
  /** Whether an installation is `pending` until the integration says that it is installed. */
  verifyInstall: boolean;
  /** Whether the app's own JWT obtains tokens ("Manual Token Refresh"). */
  manualRefresh: boolean;
  /** `older`: a server of one's own that passes no `state` on, knows no JWT, and has other statuses. */
  server: "current" | "older";
}
