import { describe, expect, test } from "vitest";
import type { EarlierRow } from "../../src/domain/model/earlier-row.ts";
import { registry } from "../../src/platforms/registry.ts";
import { Secret } from "../../src/secret.ts";

const nothing: EarlierRow = {
  ...{ product: "", externalOrgId: undefined, externalOrgName: undefined, externalInstallId: undefined },
  ...{ externalUserId: undefined, installedBy: undefined, accessToken: undefined, refreshToken: undefined },
  ...{ tokenExpiresAt: undefined, scopes: [], permissions: {}, metadata: {} },
};

function adopt(product: string, row: Partial<EarlierRow>) {
  const adopter = registry.adopters.get(product);
  if (adopter === undefined) throw new Error(`nobody reads ${product}`);
  return adopter.adopt({ ...nothing, product, ...row });
}

const token = (text: string) => new Secret(text);

describe("a row of an earlier service", () => {
  test("of github is the app's installation by its id alone, and no token of it is kept", () => {
    const row = {
      externalOrgId: "9",
      externalInstallId: "41",
      accessToken: token("ghs_x"),
      permissions: { issues: "read" },
    };
    expect(adopt("github", row)).toMatchObject({
      ...{ kind: "adopted", platform: "github", holder: "organization" },
      installation: { externalOrgId: "9", externalInstallId: "41", permissions: { issues: "read" } },
      grant: { kind: "app_installation", subject: "41", accessToken: undefined, refreshToken: undefined },
    });
    expect(adopt("github", { externalInstallId: "41" })).toMatchObject({ kind: "unidentified", platform: "github" });
    expect(adopt("github", { externalInstallId: "acme" })).toMatchObject({ kind: "refused" });
  });

  test.each([
    ["ghs_x", "set external_install_id there"],
    ["ghu_x", "a person's token of the GitHub App"],
    ["ghp_x", "no app's to keep"],
    ["github_pat_x", "no app's to keep"],
  ])("of github with %s and no installation is refused", (text, why) => {
    const adoption = adopt("github", { externalOrgId: "9", accessToken: token(text) });
    expect(adoption).toEqual({ kind: "refused", why: expect.stringContaining(why) });
  });

  test("of github with a token of the OAuth App is a person's", () => {
    const row = { externalOrgId: "7", accessToken: token("gho_x"), installedBy: "mona" };
    const adoption = adopt("github", row);
    expect(adoption).toMatchObject({
      ...{ kind: "adopted", platform: "github-oauth", holder: "person" },
      grant: { kind: "long_lived", actor: "user", longestLifeMs: undefined },
    });
    expect(JSON.stringify(adoption)).not.toContain("gho_x");
    const lacking = adopt("github", { accessToken: token("gho_x") });
    expect(lacking).toMatchObject({ kind: "unidentified", platform: "github-oauth" });
  });

  test("of slack is the bot's, or a person's by the token, whom somebody has to name", () => {
    expect(adopt("slack", { externalOrgId: "T1", accessToken: token("xoxb-1") })).toMatchObject({
      grant: { kind: "long_lived", actor: "app", subject: "T1:bot", longestLifeMs: undefined },
    });
    const rotating = { externalOrgId: "T1", accessToken: token("xoxe.xoxb-1"), refreshToken: token("xoxe-1") };
    expect(adopt("slack", rotating)).toMatchObject({ grant: { kind: "rotating", longestLifeMs: 43_200_000 } });
    const persons = { externalOrgId: "T1", accessToken: token("xoxp-1") };
    expect(adopt("slack", persons)).toMatchObject({ kind: "unidentified" });
    expect(adopt("slack", { ...persons, installedBy: "U12345" })).toMatchObject({
      grant: { actor: "user", subject: "T1:U12345", externalUserId: "U12345" },
    });
  });

  test("of jira and confluence is one grant of a person whom nobody knew, with the products of its scopes", () => {
    const scopes = ["read:confluence-content.all", "read:jira-work", "offline_access"];
    const row = { externalOrgId: "c1", refreshToken: token("r"), scopes };
    for (const product of ["jira", "confluence"]) {
      expect(adopt(product, row)).toMatchObject({
        ...{ platform: "jira", holder: "person" },
        installation: { products: ["jira", "confluence"], scopes: scopes.slice(0, 2), externalUserId: undefined },
        grant: { kind: "rotating", subject: `grant:${token("r").fingerprint()}` },
      });
    }
    expect(adopt("confluence", { ...row, scopes: [] })).toMatchObject({ installation: { products: ["confluence"] } });
    expect(adopt("jira", { externalOrgId: "c1" })).toMatchObject({ kind: "adopted", grant: undefined });
  });

  test("of sentry is the integration's installation, by its uuid", () => {
    expect(adopt("sentry", { externalOrgId: "4507" })).toMatchObject({ kind: "refused" });
    expect(adopt("sentry", { externalInstallId: "u" })).toMatchObject({ kind: "unidentified" });
    expect(adopt("sentry", { externalOrgId: "4507", externalInstallId: "u" })).toMatchObject({
      grant: { kind: "rotating", subject: "u" },
    });
  });
});
