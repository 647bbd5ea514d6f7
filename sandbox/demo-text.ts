import type { DemoSettings } from "./demo-settings.ts";
import { platformCount, type Sandbox } from "./sandbox.ts";

export interface Demo extends DemoSettings {
  readonly directory: string;
  /** Whether the directory stays when the demo ends. */
  readonly kept: boolean;
}

/** Printed before anything is started. */
export function intention({ ports, directory, kept, ignored, autoApprove }: Demo): string {
  const sandbox = `${ports.sandbox}-${ports.sandbox + platformCount - 1}`;
  const consent = autoApprove ? ", which approve by themselves" : "";
  return `Starting sandbox platforms on ports ${sandbox}${consent},
  a product that connects there on port ${ports.product},
  the service on ports ${ports.public} (browsers), ${ports.internal} (REST, console) and ${ports.grpc} (gRPC),
  and an embedded database in ${directory}${kept ? "" : " (removed at the end)"}. A new one takes some seconds.
${ignored.length === 0 ? "" : `Set, but not used in the demo: ${ignored.join(", ")}.\n`}
`;
}

/** What the demo asks a token of. */
const example = "jira";

/** Printed when everything runs. */
export function nextStep(demo: Demo, sandbox: Sandbox, afterMs: number): string {
  const { ports, baseUrl, autoApprove, directory, kept } = demo;
  const install = (platform: string) => `${baseUrl}/oauth/install/${platform}`;
  const grpc = "npx --no -- buf curl --protocol grpc --http2-prior-knowledge";
  const products = new Set([example, ...sandbox.all.flatMap((standIn) => standIn.products)]);
  const lines: [about: string, ...what: string[]][] = [
    ["Try it as a person", `http://localhost:${ports.product}   a made-up product: press Connect, approve, use it`],
    ["", `http://localhost:${ports.internal}/console   what the operator sees of it`],
    ["Or connect by address", ...[...products].map(install)],
    ["Then ask for a token", `${grpc} -d '{"platform":"${example}"}' \\`],
    ["", `  http://localhost:${ports.grpc}/oauth.token.v1.TokenService/GetToken`],
    ["", `curl -s localhost:${ports.internal}/oauth/token/${example}`],
    [
      "Without a browser",
      `curl -s ${baseUrl}/v1/link-code -H 'content-type: application/json' -d '{"platform":"${example}"}'`,
    ],
    ["", "  open its verification_url_complete in any browser, say yes, then fetch the token:"],
    ["", `curl -s ${baseUrl}/v1/poll/LINK_CODE -H 'authorization: Bearer POLL_SECRET'`],
    ["See what is connected", `curl -s localhost:${ports.internal}/oauth/installations`],
    ["See what can be asked", `${grpc} --list-methods http://localhost:${ports.grpc}`],
    ["Sandbox platforms", sandbox.all.map(({ label, url }) => `${label} ${url}`).join(", ")],
    ["Data", kept ? `${directory} (kept; the sandbox forgets: next time, connect again)` : directory],
  ];
  if (autoApprove) {
    lines.splice(3, 0, ["Or by a script", `curl -sL -c jar -b jar -H 'accept: application/json' ${install(example)}`]);
  }
  const text = lines.flatMap(([about, ...what]) =>
    what.map((line, index) => `  ${(index === 0 ? about : "").padEnd(22)}  ${line}`),
  );
  return `\nOAuth Token Service is ready, after ${(afterMs / 1000).toFixed(1)} s.\n\n${text.join("\n")}\n\n  Ctrl-C ends it.\n\n`;
}
