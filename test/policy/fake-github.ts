/** GitHub's side of minting: what each app installation was granted, and what every token was asked for with. */
export interface FakeGithub {
  readonly fetch: typeof globalThis.fetch;
  install(installationId: string, granted: Readonly<Record<string, string>>): void;
  /** The body that a token was minted with. */
  bodyOf(token: string): unknown;
  /** Every request, as `METHOD path`. */
  readonly requests: string[];
}

const levels = ["read", "write", "admin"];

export function createFakeGithub(): FakeGithub {
  const grants = new Map<string, Readonly<Record<string, string>>>();
  const bodies = new Map<string, unknown>();
  const requests: string[] = [];
  const json = (status: number, body: unknown) => Response.json(body, { status });

  return {
    requests,
    install: (installationId, granted) => void grants.set(installationId, granted),
    bodyOf: (token) => bodies.get(token),
    async fetch(input, init) {
      const { pathname } = new URL(String(input));
      const method = init?.method ?? "GET";
      requests.push(`${method} ${pathname}`);
      if (method === "DELETE") return new Response(null, { status: 204 });
      const granted = grants.get(/^\/app\/installations\/([^/]+)\/access_tokens$/.exec(pathname)?.[1] ?? "");
      if (method !== "POST" || granted === undefined) return json(404, { message: "Not Found" });
      const body = JSON.parse(String(init?.body ?? "{}")) as {
        permissions?: Record<string, string>;
        repositories?: string[];
      };
      // As GitHub has it: no permission named is every one that was granted.
      const asked = Object.entries(body.permissions ?? {});
      if (asked.some(([name, level]) => levels.indexOf(level) > levels.indexOf(granted[name] ?? ""))) {
        return json(422, { message: "The permissions requested are not granted to this installation." });
      }
      const token = `ghs_${bodies.size + 1}`;
      bodies.set(token, body);
      const permissions = asked.length === 0 ? granted : { metadata: "read", ...body.permissions };
      const repositories = (body.repositories ?? []).map((name, id) => ({ id, name }));
      const expires_at = new Date(Date.now() + 3_600_000).toISOString();
      return json(201, {
        ...{ token, expires_at, permissions, repositories },
        repository_selection: repositories.length === 0 ? "all" : "selected",
      });
    },
  };
}
