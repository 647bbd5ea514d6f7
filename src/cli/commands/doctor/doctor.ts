import { createClosers } from "../../../closers.ts";
import type { Command } from "../../command.ts";
import { printable } from "../../printable.ts";
import { checkCallers } from "./check-callers.ts";
import { checkCertificate } from "./check-certificate.ts";
import { checkClock } from "./check-clock.ts";
import { checkDatabase } from "./check-database.ts";
import { checkKeys } from "./check-keys.ts";
import { checkPlatforms } from "./check-platforms.ts";
import { checkSettings } from "./check-settings.ts";
import type { Finding, State } from "./finding.ts";

const marks: Readonly<Record<State, string>> = { ok: "ok", warning: "warning", failed: "FAILED", skipped: "skipped" };

/**
 * `doctor`: looks at settings, database, keys, clock, callers and certificate, asks each platform whether it knows us, and
 * says what to fix. Changes nothing, beside a running service too.
 */
export const doctorCommand: Command = async (_given, world) => {
  const closers = createClosers();
  const checks: Finding[] = [];
  const tell = (findings: readonly Finding[]) => {
    for (const { check, state, found, fix } of findings) {
      world.print(`${marks[state].padEnd(7)}  ${check.padEnd(12)}  ${printable(found)}`);
      if (fix !== undefined) world.print(`${" ".repeat(23)}do: ${printable(fix)}`);
    }
    checks.push(...findings);
  };
  try {
    const { config, findings } = checkSettings(world);
    tell(findings);
    const database = await checkDatabase(world, closers);
    tell(database.findings);
    tell(await checkKeys(database.opened));
    tell(checkCallers(world));
    tell(checkCertificate(config, world));
    const platforms = await checkPlatforms(config, database.opened, world);
    tell(platforms.findings);
    tell(checkClock(world, platforms.heard));
  } finally {
    await closers.close();
  }
  const failed = checks.filter(({ state }) => state === "failed").length;
  world.print(failed === 0 ? "nothing has to be fixed" : `${failed} to be fixed`);
  return { code: failed === 0 ? 0 : 1, result: { ok: failed === 0, checks } };
};
