import { readFile } from "node:fs/promises";
import { parser } from "@prometheus-io/lezer-promql";
import { beforeAll, describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { prometheusRule, prometheusRulePath } from "../../scripts/prometheus-rule.ts";
import { startTelemetry } from "../../src/telemetry/start-telemetry.ts";
import { silentLog } from "../contract/harness.ts";
import { familyOf, parse, type Scrape } from "./scrape.ts";

interface Expression {
  readonly where: string;
  readonly text: string;
}

const fileOf = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");
const metricName = /\b(?:oauth_token_service|process|nodejs)_[a-z0-9_]+/g;
/** What Prometheus adds to every target. */
const targetLabels = ["job", "instance"];

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
  readonly templating: { readonly list: readonly { readonly query: unknown }[] };
}

interface Rules {
  readonly groups: readonly {
    readonly name: string;
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly for?: string;
      readonly labels: { readonly severity: string };
      readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
    }[];
  }[];
}

const dashboard = JSON.parse(await fileOf("deploy/grafana/oauth-token-service.json")) as Dashboard;
const rules = (parseYaml(await fileOf("deploy/prometheus/alerts.yaml")) as Rules).groups.flatMap(
  (group) => group.rules,
);
const sections = sectionsOf(await fileOf("docs/operations.md"));
const documented = documentedMetrics(await fileOf("docs/metrics.md"));
const panels = dashboard.panels.filter(({ type }) => type !== "row");
const expressions: readonly Expression[] = [
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ where: title, text: expr }))),
  ...rules.map(({ alert, expr }) => ({ where: alert, text: expr })),
];
let exported: Scrape;

beforeAll(async () => {
  const running = await startTelemetry({ log: silentLog, otlpEndpoint: undefined });
  running.knowCallers(["ci"]);
  running.watch({
    statistics: async () => ({
      ...{ installations: [], webhooks: [], keys: [], ending: [], nextExpiry: [] },
    }),
    pressing: async () => ({ waiting: [], concerns: [], watchedSecondsAgo: 0 }),
    cacheEntries: () => 0,
    openStreams: () => 0,
    isChangeFeedAlive: () => true,
    clockSkewMs: () => 0,
    keyIds: ["0123456789abcdef"],
    platforms: ["slack"],
  });
  exported = parse((await running.readMetrics()).text);
  await running.close();
});

test("docs/metrics.md has every metric that is exported, with its type, and no other", () => {
  expect(new Map([...documented].map(([name, { type }]) => [name, type]))).toEqual(exported.types);
});

test("docs/metrics.md has the labels of what is exported", () => {
  for (const { name, labels } of exported.samples) {
    const family = familyOf(name, exported.types) ?? "";
    const known = documented.get(family)?.labels ?? [];
    for (const label of Object.keys(labels))
      if (label !== "le") expect([family, known]).toEqual([family, expect.arrayContaining([label])]);
  }
});

test.each(expressions)("$where asks for metrics and labels that exist: $text", ({ text }) => {
  const names = text.match(metricName) ?? [];
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) expect([name, familyOf(name, exported.types)]).toEqual([name, expect.any(String)]);
  for (const [, name = "", matchers = ""] of text.matchAll(/\b([a-z0-9_]+)\{([^}]*)\}/g)) {
    for (const [, label = ""] of matchers.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g)) {
      expect([name, label, labelsOf(name).test(label)]).toEqual([name, label, true]);
    }
  }
  const known = names.map(labelsOf);
  for (const [, grouped = ""] of text.matchAll(/\bby \(([^)]*)\)/g)) {
    for (const label of grouped.split(",").map((each) => each.trim())) {
      expect([label, known.some((labels) => labels.test(label))]).toEqual([label, true]);
    }
  }
});

/** What Prometheus' own grammar cannot read of an expression. */
function errorsIn(text: string): readonly string[] {
  const errors: string[] = [];
  parser.parse(text).iterate({
    enter: ({ type, from }) => void (type.isError && errors.push(text.slice(from, from + 20))),
  });
  return errors;
}

test("the grammar sees what is no expression", () => {
  for (const wrong of ["sum(rate(a[5m])", "rate(a[5x])", "sum by job) (a)", 'a{b="c}'])
    expect([wrong, errorsIn(wrong).length > 0]).toEqual([wrong, true]);
});

test.each(expressions)("$where is an expression of Prometheus: $text", ({ text }) => {
  expect(errorsIn(text.replaceAll("$__rate_interval", "5m"))).toEqual([]);
  const bare = text.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  for (const [, range] of bare.matchAll(/\[([^\]]*)\]/g)) expect(range).toMatch(/^(\d+[smhd]|\$__rate_interval)$/);
  // Of a counter only its growth means something.
  for (const name of bare.match(/\b[a-z_]+_total\b/g) ?? []) {
    expect(bare).toMatch(new RegExp(`(rate|increase)\\(\\s*${name}\\b`));
  }
});

describe("the dashboard", () => {
  test("shows every metric of the service", () => {
    const shown = new Set(
      panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => expr.match(metricName) ?? [])),
    );
    const families = new Set([...shown].map((name) => familyOf(name, exported.types)));
    const missing = [...exported.types.keys()].filter((name) => name.startsWith("oauth_") && !families.has(name));
    expect(missing).toEqual([]);
  });

  test("has panels with titles, ids of their own and something to show", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { title, targets = [] } of panels) {
      expect(title).not.toBe("");
      expect(targets.length).toBeGreaterThan(0);
    }
  });
});

describe("the alert rules", () => {
  test("have names of their own, a severity, and say what is wrong and what to do", () => {
    const names = rules.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    for (const { alert, labels, annotations, ...rule } of rules) {
      expect(alert).toMatch(/^OAuthTokenService[A-Z]\w+$/);
      expect(labels.severity).toMatch(/^(critical|warning|info)$/);
      expect(annotations.summary).not.toBe("");
      expect(annotations.description).not.toBe("");
      if (rule.for !== undefined) expect(rule.for).toMatch(/^\d+[smh]$/);
    }
  });

  test.each(rules)("$alert leads to a place of the runbook that speaks of it", ({ alert, annotations }) => {
    const [page, anchor = ""] = annotations.runbook_url.split("#");
    expect(page).toBe("docs/operations.md");
    expect([anchor, sections.get(anchor)]).toEqual([anchor, expect.stringContaining(`\`${alert}\``)]);
  });

  test("are the same in Kubernetes: npm run rules", async () => {
    const text = await fileOf(prometheusRulePath);
    expect(text).toBe(prometheusRule(await fileOf("deploy/prometheus/alerts.yaml")));
  });
});

/** What stands below each heading, by the anchor that a link to it has. */
function sectionsOf(page: string): ReadonlyMap<string, string> {
  const parts = page.split(/^#+ (.+)$/m).slice(1);
  const anchorOf = (heading: string) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-");
  return new Map(parts.flatMap((part, index) => (index % 2 === 0 ? [[anchorOf(part), parts[index + 1] ?? ""]] : [])));
}

/** The labels that a metric may be matched or grouped by. */
function labelsOf(name: string): RegExp {
  const family = familyOf(name, exported.types) ?? "";
  const bucket = name.endsWith("_bucket") ? ["le"] : [];
  return new RegExp(`^(${[...(documented.get(family)?.labels ?? []), ...bucket, ...targetLabels].join("|")})$`);
}

function documentedMetrics(
  page: string,
): ReadonlyMap<string, { readonly type: string; readonly labels: readonly string[] }> {
  const rows = page.matchAll(/^\| `([a-z0-9_]+)` \| (\w+) \|([^|]*)\|/gm);
  return new Map(
    [...rows].map(([, name = "", type = "", labels = ""]) => [
      name,
      { type, labels: [...labels.matchAll(/`([a-z_]+)`/g)].map(([, label = ""]) => label) },
    ]),
  );
}
