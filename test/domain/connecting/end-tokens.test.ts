import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEndTokens } from "../../../src/domain/connecting/end-tokens.ts";
import type { Connection } from "../../../src/domain/model/connection.ts";
import { ServiceError } from "../../../src/errors.ts";
import {
  connection,
  foreverToken,
  type ScriptedOptions,
  scriptedPlatform,
  siteConnection,
  tokenSet,
} from "../../support/scripted-platform.ts";
import { type Domain, openDomain } from "../open-domain.ts";

let domain: Domain;
beforeAll(async () => {
  domain = await openDomain();
});
afterAll(() => domain.close());

const person = { name: "jira", products: ["jira"], holder: "person", actors: ["user"] } as const;
const asPerson = { platform: "jira", holder: "person" } as const;
let serial = 0;
const unique = (what: string) => `${what}${++serial}`;

async function end(options: ScriptedOptions, connected: Connection) {
  const platform = scriptedPlatform(options);
  const { credentials, pendingInstalls } = domain.storage;
  const endTokens = createEndTokens({ credentials, pendingInstalls, world: domain.world });
  return { result: await endTokens(platform, connected, undefined), revoked: platform.revoked };
}

const grants = { ...person, revocationReach: "grant" } as const;

describe("what is not kept ends at the platform", () => {
  test("if this flow created it", async () => {
    const tokens = tokenSet({ value: "new" });
    expect(await end({}, connection({ tokens, people: ["U1"] }))).toEqual({
      ...{ result: "revoked", revoked: ["new", "access-of-U1"] },
    });
  });

  test("and an app is never uninstalled for it", async () => {
    const uninstallable = connection({ kind: "app_installation", tokens: undefined });
    expect(await end({ revocationReach: "app" }, uninstallable)).toEqual({ result: "unsupported", revoked: [] });
  });

  test("unless an organization's token without end is the same for everybody", async () => {
    const tokens = foreverToken("the-one");
    expect(await end({}, connection({ kind: "long_lived", tokens }))).toEqual({ result: "shared", revoked: [] });
  });

  test("unless the very same token serves something live", async () => {
    const [who, site] = [unique("P"), unique("site")];
    const tokens = tokenSet({ value: unique("same") });
    await domain.connect(siteConnection(who, [site], tokens), { ...asPerson, owner: "acme" });
    const again = siteConnection(who, [site], tokens);
    expect(await end(person, again)).toEqual({ result: "shared", revoked: [] });
  });

  test("beside a live token set of the same person where a revocation ends one alone", async () => {
    const [who, site] = [unique("P"), unique("site")];
    await domain.connect(siteConnection(who, [site]), { ...asPerson, owner: "acme" });
    const { revoked } = await end(person, siteConnection(who, [site], tokenSet({ value: "mine" })));
    expect(revoked).toEqual(["mine"]);
  });

  test("not beside one of any owner where it may end the whole grant, and again once that one is gone", async () => {
    const [who, site] = [unique("P"), unique("site")];
    const [made] = await domain.connect(siteConnection(who, [site]), { ...asPerson, owner: "globex" });
    const mine = siteConnection(who, [unique("site")], tokenSet({ value: "mine" }));
    expect(await end(grants, mine)).toEqual({ result: "shared", revoked: [] });
    await domain.storage.installations.beginRevocation(made!.id, "over", domain.clock.now());
    expect((await end(grants, mine)).revoked).toEqual(["mine"]);
  });

  test("not beside something of the same person that may still be completed", async () => {
    const [who, site] = [unique("P"), unique("site")];
    const now = domain.clock.now();
    await domain.storage.pendingInstalls.keep(
      siteConnection(who, [site]),
      { ...asPerson, owner: "acme", now },
      {
        ...{ codeHash: unique("code"), expiresAt: new Date(now.getTime() + 300_000) },
        link: {
          ...{ caller: "portal", policyHash: undefined, product: "jira", scopes: [] },
          ...{ installationId: undefined, awaitsOwner: true },
        },
      },
    );
    expect((await end(grants, siteConnection(who, [site]))).revoked).toEqual([]);
  });

  test("not beside a live one of a person that the platform does not name, where both may be one", async () => {
    const [site, other] = [unique("site"), unique("site")];
    await domain.connect(siteConnection(unique("P"), [site]), { ...asPerson, owner: "acme" });
    const hidden = (at: string) => {
      const made = siteConnection(unique("grant:"), [at]);
      return { ...made, credentials: made.credentials.map((one) => ({ ...one, externalUserId: undefined })) };
    };
    expect((await end(grants, hidden(site))).revoked).toEqual([]);
    expect((await end(grants, hidden(other))).revoked).toHaveLength(1);
  });

  test("while the database is away only where nothing else can be hit", async () => {
    const away = () => Promise.reject(new ServiceError("SERVICE_UNAVAILABLE", "away"));
    const { pendingInstalls } = domain.storage;
    const credentials = { ...domain.storage.credentials, related: away };
    const endTokens = createEndTokens({ credentials, pendingInstalls, world: domain.world });
    const [whole, alone] = [scriptedPlatform(grants), scriptedPlatform(person)];
    for (const platform of [whole, alone]) await endTokens(platform, siteConnection(unique("P"), ["s"]), undefined);
    expect([whole.revoked.length, alone.revoked.length]).toEqual([0, 1]);
  });
});
