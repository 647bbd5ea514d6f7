/** Every token that a platform gave the service, as seen on the wire. */
export interface PlatformSecrets {
  /** Fetch that notes them. */
  readonly fetch: typeof globalThis.fetch;
  /** Access tokens, oldest first. */
  readonly accessTokens: readonly string[];
  /** Those and the refresh tokens. */
  readonly all: readonly string[];
}

const accessFields = new Set(["access_token", "token"]);

export function notePlatformSecrets(): PlatformSecrets {
  const accessTokens: string[] = [];
  const all: string[] = [];

  function note(value: unknown): void {
    if (typeof value !== "object" || value === null) return;
    for (const [name, part] of Object.entries(value)) {
      if (typeof part !== "string") note(part);
      else if (accessFields.has(name)) {
        accessTokens.push(part);
        all.push(part);
      } else if (name === "refresh_token" || name === "refreshToken") all.push(part);
    }
  }

  return {
    accessTokens,
    all,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      const text = await response.text();
      if (text.startsWith("{")) note(JSON.parse(text));
      const { status, headers } = response;
      return new Response(text === "" ? null : text, { status, headers });
    },
  };
}
