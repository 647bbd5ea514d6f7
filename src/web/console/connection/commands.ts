import { type Html, html } from "../../html.ts";

/** Where callers reach the gRPC listener from where the console was opened. */
export interface GrpcDoor {
  readonly port: number;
  readonly tls: boolean;
}

export interface CommandsFor {
  readonly installationId: string;
  /** The `Host` header by which the console was reached. */
  readonly host: string | undefined;
  readonly door: GrpcDoor;
  /** Whether calls have to prove whose they are. */
  readonly withKey: boolean;
}

/** What to type into a terminal, ready to copy. */
export function commandLines(commands: CommandsFor): Html {
  const lines = [
    ["What this page shows, as callers get it", "GetInstallation"],
    ["A token of this connection, which goes on record", "GetToken"],
  ] as const;
  return html`${lines.map(
    ([about, method]) => html`<p>${about}:</p>
<pre tabindex="0" aria-label="${about}"><code>${bufCurl(method, commands)}</code></pre>
<p><button type="button" class="other" data-copy hidden>Copy</button></p>
`,
  )}${commands.withKey ? html`<p class="quiet"><code>$OAUTH_TOKEN_SERVICE_API_KEY</code> is the key of a caller that may ask this; it is not filled in here.</p>` : undefined}`;
}

/** One line, since pages have no other. The server tells its protos by reflection: none are needed where it is typed. */
export function bufCurl(
  method: "GetInstallation" | "GetToken",
  { installationId, host, door, withKey }: CommandsFor,
): string {
  const { port, tls } = door;
  const origin = `${tls ? "https" : "http"}://${hostName(host)}:${port}`;
  return [
    `buf curl --protocol grpc${tls ? "" : " --http2-prior-knowledge"}`,
    // In double quotes, for the shell to fill the variable in.
    ...(withKey ? ['-H "authorization: Bearer $OAUTH_TOKEN_SERVICE_API_KEY"'] : []),
    `-d ${shellWord(JSON.stringify({ installation_id: installationId }))}`,
    shellWord(`${origin}/oauth.token.v1.TokenService/${method}`),
  ].join(" ");
}

function hostName(host: string | undefined): string {
  const address = `http://${host ?? ""}`;
  return URL.canParse(address) ? new URL(address).hostname : "localhost";
}

/** A word that a POSIX shell takes as it is: within single quotes nothing means anything but the quote. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
