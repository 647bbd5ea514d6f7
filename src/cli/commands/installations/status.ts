import { UsageError } from "../../command.ts";
import { nearName } from "../../near-name.ts";
import type { Operation } from "../operating.ts";

type Status = NonNullable<Parameters<Operation["list"]>[0]["status"]>;

const known: Readonly<Record<Status, true>> = {
  pending: true,
  active: true,
  suspended: true,
  reauthorization_required: true,
  revoked: true,
};

/** A status as it is listed, or as callers spell it. @throws UsageError. */
export function readStatus(text: string | undefined): Status | undefined {
  if (text === undefined) return undefined;
  const name = text.toLowerCase().replace(/^installation_status_/, "");
  if (isStatus(name)) return name;
  const meant = nearName(name, Object.keys(known));
  throw new UsageError(
    `there is no status ${JSON.stringify(text)}`,
    meant === undefined ? `there are ${Object.keys(known).join(", ")}` : `did you mean ${meant}?`,
  );
}

function isStatus(name: string): name is Status {
  return Object.hasOwn(known, name);
}
