import { expect, test } from "vitest";
import { networkOf } from "../../../src/domain/access/network.ts";
import { ServiceError } from "../../../src/errors.ts";
import { startSite } from "../support/site.ts";

const asJson = { accept: "application/json" };

test.each([
  ["start", "/oauth/install/slack"],
  ["callback", "/oauth/callback/slack?state=1&code=2"],
])("too many %ss of one address are told when to come again", async (name, path) => {
  const counted: string[] = [];
  const site = await startSite({
    rateLimits: {
      async count(key, { most }) {
        counted.push(key);
        expect(most).toBeGreaterThanOrEqual(60);
        return 12_345;
      },
    },
  });
  const page = await site.ask(path, { headers: { accept: "text/html" } });
  expect([page.status, page.headers["retry-after"]]).toEqual([429, "13"]);
  expect(page.text).toContain("There were too many attempts from your network");
  const json = await site.ask(path, { headers: asJson });
  expect(JSON.parse(json.text)).toMatchObject({ success: false, error: { code: "too_many_requests" } });
  expect(json.headers["retry-after"]).toBe("13");
  expect(site.starts).toEqual([]);
  expect(counted).toEqual([`${name} 127.0.0.1`, `${name} 127.0.0.1`]);
});

test("while nobody can count, nobody starts", async () => {
  const away = async () => {
    throw new ServiceError("SERVICE_UNAVAILABLE", "the database cannot be reached");
  };
  const site = await startSite({ rateLimits: { count: away } });
  const { status, text } = await site.ask("/oauth/install/slack", { headers: asJson });
  expect([status, JSON.parse(text).error.code]).toEqual([502, "service_unavailable"]);
  expect(site.starts).toEqual([]);
});

test.each([
  ["203.0.113.9", "203.0.113.9"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8::5:6", "2001:db8:0:0::/64"],
  ["2001:db8:1:2:3::", "2001:db8:1:2::/64"],
  ["::1", "0:0:0:0::/64"],
])("%s counts as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});
