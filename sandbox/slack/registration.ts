/** How the Slack app is registered. */
export interface SlackRegistration {
  readonly appId: string;
  readonly clientId: string;
  clientSecret: string;
  readonly signingSecret: string;
  /** A `redirect_uri` must be one of these or lie below one of them. */
  redirectUrls: readonly string[];
  /** Whether tokens expire and come with refresh tokens. */
  readonly rotation: boolean;
}
