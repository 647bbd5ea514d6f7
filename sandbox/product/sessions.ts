import { randomBytes } from "node:crypto";
import type { Request, RequestHandler, Response } from "express";

/** What the product knows of a browser. */
export interface Session {
  /** What the next page says of what was done last. */
  note: string;
}

export interface Sessions {
  /** The session of this browser; begins one where there is none, since everybody is Ada here. */
  of(request: Request, response: Response): Session;
  /** Only for a browser with a session, and for no other site's page that it has open. */
  readonly ownBrowserOnly: RequestHandler<{ platform: string }>;
}

const cookieName = "planner-session";

export function createSessions(): Sessions {
  const sessions = new Map<string, Session>();

  function known(request: Request): Session | undefined {
    for (const pair of (request.headers.cookie ?? "").split(/; */)) {
      const [name, value = ""] = pair.split("=");
      if (name === cookieName) return sessions.get(value);
    }
    return undefined;
  }

  return {
    of(request, response) {
      const session = known(request);
      if (session !== undefined) return session;
      const id = randomBytes(32).toString("base64url");
      const begun = { note: "" };
      sessions.set(id, begun);
      response.setHeader("Set-Cookie", `${cookieName}=${id}; Path=/; HttpOnly; SameSite=Lax`);
      return begun;
    },
    ownBrowserOnly(request, response, next) {
      // Lax cookies come with links from elsewhere; the way back from a platform is one.
      const foreign = request.method === "POST" && request.headers["sec-fetch-site"] === "cross-site";
      if (known(request as Request) !== undefined && !foreign) return next();
      response.status(403).send("Open the product first, and press its own buttons.");
    },
  };
}
