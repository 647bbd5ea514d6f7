import examples from "@octokit/webhooks-examples";
import { sign } from "@octokit/webhooks-methods";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import type { InstallationStatus } from "../../../src/domain/model/installation.ts";
import { createGithubWebhooks } from "../../../src/platforms/github/webhooks.ts";
import { Secret } from "../../../src/secret.ts";
import { connection } from "../../support/scripted-platform.ts";
import { type Domain, openDomain } from "../open-domain.ts";
import { gone, noFacts, openEvents } from "./open-events.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());
beforeEach(async () => {
  await domain.sql`delete from credentials`;
  await domain.sql`delete from installations`;
});

interface Payload {
  readonly action: string;
  readonly installation?: { readonly id: number; readonly account?: { readonly id: number } };
}
const each = ["installation", "installation_repositories", "github_app_authorization"].flatMap((event) => {
  const all = (examples as unknown as { name: string; examples: Payload[] }[]).find(({ name }) => name === event);
  return (all?.examples ?? []).map(
    (payload, index) => [`${event} ${payload.action} (${index})`, event, payload] as const,
  );
});

/** At once, and once GitHub has said that it is so; whatever else GitHub tells changes nothing by itself. */
const becomes: Readonly<Record<string, readonly [InstallationStatus, InstallationStatus]>> = {
  "installation deleted": ["suspended", "revoked"],
  "installation suspend": ["suspended", "suspended"],
};

const secret = "It's a Secret to Everybody";
const webhooks = createGithubWebhooks({ webhookSecrets: [new Secret(secret)], webhookMaxBytes: 1e6 });

it.each(each)("%s changes what it should", async (_, event, payload) => {
  const body = Buffer.from(JSON.stringify(payload));
  const headers: Record<string, string> = {
    "x-github-event": event,
    "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "x-hub-signature-256": await sign(secret, body.toString()),
  };
  const request = { header: (name: string) => headers[name], body, receivedAt: domain.clock.now() };
  expect(webhooks.verify(request)).toEqual({ kind: "genuine" });
  const read = webhooks.read(request);
  if (read.kind !== "event") throw new Error(read.kind);

  const events = openEvents(domain, { narrowing: false });
  const { installation: named } = payload;
  const install = (id: unknown, org: unknown) =>
    domain.connect(
      connection({
        org: String(org),
        kind: "app_installation",
        tokens: undefined,
        installation: { externalInstallId: String(id) },
      }),
    );
  const [meant] = await install(named?.id ?? 5, named?.account?.id ?? 6);
  const [neighbour] = await install(77, 78);
  // It happened years ago, to what is connected since then here.
  await domain.sql`update installations set connected_at = '2020-01-01', created_at = '2020-01-01'`;
  const statuses = async () => [
    (await domain.storage.installations.find(meant!.id))?.status,
    (await domain.storage.installations.find(neighbour!.id))?.status,
  ];
  events.inspected = () =>
    payload.action === "deleted"
      ? gone
      : { kind: payload.action === "suspend" ? "suspended" : "present", facts: noFacts };

  const [atOnce, atLast] = becomes[`${event} ${payload.action}`] ?? ["active", "active"];
  const { news, about, happenedAt } = read.event;
  if (news !== undefined) await events.tell(news, about, happenedAt);
  expect(await statuses()).toEqual([atOnce, "active"]);
  await events.ask();
  expect(await statuses()).toEqual([atLast, "active"]);
  expect(events.asked).toBe(event === "github_app_authorization" ? 0 : 1);
});
