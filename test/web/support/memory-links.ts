import type { AskedLink } from "../../../src/domain/links/answer-link.ts";
import type { LinkVisitor, RefusedCode } from "../../../src/domain/links/find-typed.ts";
import type { PollOutcome } from "../../../src/domain/links/poll-link.ts";
import type { JsonAnswer, JsonCall } from "../../../src/rpc/json/json-calls.ts";
import { Secret } from "../../../src/secret.ts";
import type { LinkUseCases } from "../../../src/web/browser/links/link-routes.ts";

/** One link code in memory, behind the use cases that the routes ask. */
export interface MemoryLinks extends LinkUseCases {
  readonly startLink: JsonCall;
  readonly code: string;
  readonly pollSecret: string;
  /** What the page asked, in order. */
  readonly asked: { readonly what: "look" | "approve" | "deny"; readonly typed: string; readonly by: LinkVisitor }[];
  readonly started: { readonly request: Parameters<JsonCall>[0]; readonly authorization: string | undefined }[];
  /** What the page shows of it. */
  link: AskedLink;
  /** What a poll with the right secret is told. */
  standing: PollOutcome;
  /** What StartLink answers instead. */
  startAnswer: JsonAnswer | undefined;
}

export function memoryLinks(now: Date): MemoryLinks {
  const code = "12345678901";
  const attempt = {
    redirectTo: new URL("https://platform.example/authorize?state=linked"),
    binding: { name: "n-linked", value: new Secret("browser-of-linked"), maxAgeSeconds: 600 },
  };
  const pollSecret = "the-poll-secret-of-this-link";
  const links: MemoryLinks = {
    code,
    pollSecret,
    asked: [],
    started: [],
    standing: { kind: "pending" },
    startAnswer: undefined,
    link: {
      platform: "github",
      owner: "acme",
      clientName: "ci on build-7",
      caller: "portal",
      fromAddress: "203.0.113.7",
      startedAt: new Date(now.getTime() - 125_000),
      expiresAt: new Date(now.getTime() + 475_000),
    },
    startLink: async (request, { authorization }) => {
      links.started.push({ request, authorization });
      const expire_time = new Date(now.getTime() + 600_000).toISOString();
      const urls = {
        verification_url: "https://t.example/link",
        verification_url_complete: "https://t.example/link?code=…",
      };
      const body = { link_code: code, poll_secret: pollSecret, ...urls, expire_time, interval: "5s" };
      return links.startAnswer ?? { status: 200, body, retryAfterSeconds: undefined };
    },
    poll: async (request) => {
      const isRight = request.code === code && request.pollSecret.reveal() === pollSecret;
      return isRight ? links.standing : { kind: "unknown" };
    },
    accountToken: async () => ({ kind: "unknown" }),
    forgetAccount: async () => ({ kind: "unknown" }),
    rotateAccountSecret: async () => ({ kind: "unknown" }),
    look: async (typed, by) => answered("look", typed, by) ?? { kind: "found", link: links.link },
    approve: async (typed, by) => answered("approve", typed, by) ?? { kind: "started", attempt },
    deny: async (typed, by) => answered("deny", typed, by) ?? { kind: "denied" },
  };
  return links;

  function answered(what: "look" | "approve" | "deny", typed: string, by: LinkVisitor): RefusedCode | undefined {
    links.asked.push({ what, typed, by });
    return typed.replace(/[\s-]/g, "") === code ? undefined : { kind: "refused", why: "unknown" };
  }
}
