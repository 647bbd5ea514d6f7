import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./run-tool.ts";

const rulesPath = "deploy/prometheus/alerts.yaml";

/** The alert rules as the Prometheus Operator takes them. */
export const prometheusRulePath = "deploy/kubernetes/components/prometheus-operator/rules.yaml";

const head = `# Written by npm run rules from ${rulesPath}.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: oauth-token-service
  namespace: oauth-token-service
  labels:
    app.kubernetes.io/name: oauth-token-service
spec:
`;

/** The file of rules, word for word, below spec. */
export function prometheusRule(rules: string): string {
  const groups = rules.slice(rules.indexOf("groups:"));
  return head + groups.replaceAll(/^(?=.)/gm, "  ");
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { write: { type: "boolean" } } });
  const text = prometheusRule(await readFile(join(root, rulesPath), "utf8"));
  if (values.write) await writeFile(join(root, prometheusRulePath), text);
  else process.stdout.write(text);
}
