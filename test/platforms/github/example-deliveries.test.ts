import { createRequire } from "node:module";
import { sign } from "@octokit/webhooks-methods";
import { describe, expect, test } from "vitest";
import type { News } from "../../../src/domain/model/platform-event.ts";
import { createGithubWebhooks } from "../../../src/platforms/github/webhooks.ts";
import { Secret } from "../../../src/secret.ts";
import { deliveryRequest } from "../support/delivery-request.ts";

interface Example {
  readonly action?: string;
  readonly installation?: { readonly id: number };
  readonly sender?: { readonly id: number };
}

/** What GitHub's own clients are tested with: payloads as they were once sent. */
const examples = createRequire(import.meta.url)("@octokit/webhooks-examples") as readonly {
  readonly name: string;
  readonly examples: readonly Example[];
}[];
const deliveries = examples.flatMap(({ name, examples: payloads }) =>
  payloads.map((payload, index) => ({ name, index, payload })),
);
const webhooks = createGithubWebhooks({ webhookSecrets: [new Secret("secret")], webhookMaxBytes: 26_214_400 });

/** All that means anything here, in GitHub's words. */
const meant: Readonly<Record<string, News["kind"]>> = {
  "installation created": "created",
  "installation deleted": "ended",
  "installation suspend": "suspended",
  "installation unsuspend": "changed",
  "installation new_permissions_accepted": "changed",
  "installation_repositories added": "changed",
  "installation_repositories removed": "changed",
  "github_app_authorization revoked": "grants_ended",
};

describe("every payload of GitHub's examples", () => {
  test("is there for what means something", () => {
    const there = new Set(deliveries.map(({ name, payload }) => `${name} ${payload.action}`));
    expect(Object.keys(meant).filter((name) => !there.has(name))).toEqual([]);
    expect(deliveries.length).toBeGreaterThan(150);
  });

  test.each(deliveries)("$name $index is believed, and means what it should and no more", async ({ name, payload }) => {
    const body = JSON.stringify(payload);
    const headers = {
      "content-type": "application/json",
      "x-github-event": name,
      "x-github-delivery": "d-1",
      "x-hub-signature-256": await sign("secret", body),
    };
    const request = deliveryRequest({ headers, body });
    expect(webhooks.verify(request)).toEqual({ kind: "genuine" });
    expect(webhooks.verify(deliveryRequest({ headers, body: JSON.stringify(payload, undefined, 2) })).kind).toBe(
      "refused",
    );
    const read = webhooks.read(request);
    if (read.kind !== "event") throw new Error(`it is ${read.kind}`);
    const { event, action, about, news } = read.event;
    expect([event, action]).toEqual([name, payload.action]);
    expect(about.externalInstallId).toBe(payload.installation && String(payload.installation.id));
    expect(news?.kind).toBe(meant[`${name} ${payload.action}`]);
    if (news?.kind === "grants_ended") {
      expect(news.grants).toEqual([{ actor: "user", externalUserId: String(payload.sender?.id) }]);
    }
  });
});
