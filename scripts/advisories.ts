import { execFile } from "node:child_process";
import { parseArgs } from "node:util";
import { root } from "./run-tool.ts";

/** What the registry knows of the packages in production. */
export type Audit =
  | { readonly kind: "checked"; readonly packages: number; readonly findings: readonly string[] }
  | { readonly kind: "not checked"; readonly why: string };

/** Asks the registry that npm is configured with. Nothing but a complete answer counts as checked. */
export async function readAdvisories(timeLimitMs: number): Promise<Audit> {
  const args = ["audit", "--json", "--omit=dev", "--omit=optional", "--package-lock-only"];
  const { stdout, killed, missing } = await new Promise<{ stdout: string; killed: boolean; missing: boolean }>(
    (done) => {
      const options = { cwd: root, timeout: timeLimitMs, killSignal: "SIGKILL", maxBuffer: 64 * 1024 * 1024 } as const;
      execFile("npm", args, options, (error, text) => {
        done({ stdout: text, killed: error?.killed === true, missing: error?.code === "ENOENT" });
      });
    },
  );
  if (missing) return { kind: "not checked", why: "npm cannot be run" };
  if (killed) return { kind: "not checked", why: `the registry did not answer within ${timeLimitMs / 1000} s` };
  return parseAudit(stdout);
}

/** Reads what `npm audit --json` prints. */
export function parseAudit(text: string): Audit {
  const report = parseJson(text);
  if (report === undefined) return { kind: "not checked", why: "npm audit printed no report" };
  const { vulnerabilities, metadata, message, error } = report;
  const total = metadata?.dependencies?.prod;
  if (vulnerabilities === undefined || total === undefined || total === 0) {
    return { kind: "not checked", why: message ?? error?.summary ?? "npm audit printed no report" };
  }
  return { kind: "checked", packages: total, findings: Object.values(vulnerabilities).flatMap(findingsOf) };
}

interface Report {
  readonly message?: string;
  readonly error?: { readonly summary?: string };
  readonly vulnerabilities?: Readonly<Record<string, Vulnerability>>;
  readonly metadata?: { readonly dependencies?: { readonly prod?: number } };
}

interface Vulnerability {
  readonly name: string;
  /** Advisories; or the names of packages that bring them in. */
  readonly via: readonly (string | Advisory)[];
}

interface Advisory {
  readonly title: string;
  readonly url: string;
  readonly severity: string;
  readonly range: string;
}

function findingsOf({ name, via }: Vulnerability): readonly string[] {
  return via.flatMap((cause) =>
    typeof cause === "string" ? [] : [`${cause.severity}: ${name} ${cause.range}: ${cause.title} (${cause.url})`],
  );
}

function parseJson(text: string): Report | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { "time-limit": { type: "string", default: "60" } } });
  const audit = await readAdvisories(Number(values["time-limit"]) * 1000);
  if (audit.kind === "not checked") {
    console.error(`not checked: ${audit.why}`);
    process.exitCode = 2;
  } else {
    for (const finding of audit.findings) console.log(finding);
    console.log(`${audit.findings.length} known advisories for ${audit.packages} packages in production`);
    process.exitCode = audit.findings.length === 0 ? 0 : 1;
  }
}
