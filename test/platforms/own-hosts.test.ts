import { expect, test } from "vitest";
import { atlassianApp, errorOf, githubApp, load, slackApp } from "../config/load.ts";

const everything = { ...githubApp, ...atlassianApp, ...slackApp };

test("the public hosts are nobody's own, also where a setting spells them out", () => {
  expect(load({}).ownHosts).toEqual(new Set());
  expect(load(everything).ownHosts).toEqual(new Set());
  const spelled = { GITHUB_URL: "https://GitHub.com/", SLACK_URL: "https://slack.com.:8443/" };
  expect(load({ ...everything, ...spelled }).ownHosts).toEqual(new Set());
});

test("a host in the place of a public one is an own one", () => {
  const elsewhere = {
    GITHUB_URL: "https://GHE.corp.example.",
    GITHUB_API_URL: "https://ghe.corp.example/api/v3",
    ATLASSIAN_AUTH_URL: "https://10.1.2.3",
    ATLASSIAN_API_URL: "https://[fd12::1]:8443",
    SLACK_URL: "http://localhost:4000",
  };
  const own = ["ghe.corp.example", "10.1.2.3", "fd12::1", "localhost"];
  expect(load({ ...everything, ...elsewhere }).ownHosts).toEqual(new Set(own));
});

test("a platform that is not configured has none", () => {
  expect(load({ ...githubApp, SLACK_URL: "https://slack.corp.example" }).ownHosts).toEqual(new Set());
});

test.each([
  "http://ghe.corp.example",
  "http://10.0.0.1",
  "http://0.0.0.0",
  "http://169.254.169.254",
  "ftp://localhost",
])("%s is no address of a platform", (url) => {
  expect(errorOf({ ...slackApp, SLACK_URL: url })).toContain("SLACK_URL");
  expect(errorOf({ ...githubApp, GITHUB_URL: url, GITHUB_API_URL: url })).toContain("GITHUB_URL");
  expect(errorOf({ ...atlassianApp, ATLASSIAN_AUTH_URL: url, ATLASSIAN_API_URL: url })).toContain("ATLASSIAN_AUTH_URL");
});
