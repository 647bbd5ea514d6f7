import type { Config } from "../../../config/load-config.ts";
import { endOf } from "../../../tls/certificates.ts";
import type { CommandWorld } from "../../command.ts";
import { type Finding, findingsOf } from "./finding.ts";

const finding = findingsOf("certificate");
const soonMs = 14 * 86_400_000;

/** When the listeners' certificate ends; nothing where they have none. What is wrong with the files the settings say. */
export function checkCertificate(config: Config | undefined, { readFile, now }: CommandWorld): readonly Finding[] {
  const tls = config?.tls;
  if (tls === undefined) return [];
  const [cert, key] = [readFile(tls.cert), readFile(tls.key)];
  const end = endOf({ cert, key, clientCa: undefined });
  const leftMs = end.getTime() - now().getTime();
  const fix = `put a new one at ${tls.cert} and ${tls.key}: the service takes it by itself`;
  if (leftMs <= 0) return [finding("failed", `ended at ${end.toISOString()}`, fix)];
  if (leftMs < soonMs) return [finding("warning", `ends at ${end.toISOString()}`, fix)];
  return [finding("ok", `ends at ${end.toISOString()}`)];
}
