import type { ConnectedInstallation, Connection } from "../../domain/model/connection.ts";
import type { TokenSet } from "../../domain/model/credential.ts";
import type { AtlassianAccount } from "./account.ts";
import type { AtlassianSite } from "./sites.ts";

/** A grant ends so long after consent, however often it is refreshed (announcement of 2021, "rotating refresh tokens"). */
export const grantLifeMs = 365 * 86_400_000;

/** One installation per site, all served by the person's one grant. Without a refresh token it lasts an hour. */
export function atlassianConnection(
  account: AtlassianAccount,
  sites: readonly AtlassianSite[],
  tokens: TokenSet,
): Connection {
  return {
    installations: sites.map((site) => installation(site, account)),
    credentials: [
      {
        kind: tokens.refreshToken === undefined ? "long_lived" : "rotating",
        actor: "user",
        subject: account.subject,
        externalUserId: account.id,
        tokens,
        natural: true,
      },
    ],
  };
}

function installation(site: AtlassianSite, account: AtlassianAccount): ConnectedInstallation {
  return {
    products: site.products,
    externalOrgId: site.cloudId,
    externalOrgName: site.name,
    externalInstallId: undefined,
    externalUserId: account.id,
    scopes: site.scopes,
    permissions: {},
    installedBy: account.id,
    metadata: {
      ...siteMetadata(site),
      ...(account.name === undefined ? {} : { account_name: account.name }),
    },
    suspended: false,
  };
}

/** What is shown of a site beside its name. */
export function siteMetadata({ url, avatarUrl }: AtlassianSite): Readonly<Record<string, string>> {
  return {
    ...(url === undefined ? {} : { url }),
    ...(avatarUrl === undefined ? {} : { avatar_url: avatarUrl }),
  };
}
