import { installationJson } from "../../../rpc/json/installation-json.ts";
import { type Command, UsageError } from "../../command.ts";
import { printable } from "../../printable.ts";
import { type Operation, operating } from "../operating.ts";
import { readPosition, writePosition } from "./position.ts";
import { readStatus } from "./status.ts";

type Page = Awaited<ReturnType<Operation["list"]>>;
type Values =
  | "platform"
  | "status"
  | "owner"
  | "external-org-id"
  | "external-install-id"
  | "search"
  | "limit"
  | "after";

/** Shown unless it is said how many. */
const usualLimit = 100;
/** Asked for at once. */
const pageSize = 500;

/** `installations list`: newest first, a part of them or all, those of a platform, a status, an owner or an organization, or what is looked for. */
export const listInstallationsCommand: Command<readonly [], Values, "all"> = async ({ values, flags }, world) => {
  const limit = readLimit(values.limit, flags.all);
  const filter = {
    platform: values.platform,
    status: readStatus(values.status),
    owner: values.owner,
    externalOrgId: values["external-org-id"],
    externalInstallId: values["external-install-id"],
    search: values.search || undefined,
  };
  const start = readPosition(values.after);
  return operating(world, async (operation) => {
    const call = operation.call("installations list");
    const shown: object[] = [];
    let after = start;
    let found = 0;
    do {
      const page: Page = await operation.list(filter, { size: Math.min(pageSize, limit - found), after }, call);
      for (const installation of page.installations) {
        world.print(lineOf(installation));
        if (world.json) shown.push(installationJson(installation));
      }
      found += page.installations.length;
      after = page.next;
    } while (after !== undefined && found < limit);
    const next = after === undefined ? "" : writePosition(after);
    if (found === 0) world.print("there are none");
    if (next !== "" && !world.json)
      world.complain(`there are more: go on with --after ${next}, or list all with --all`);
    return { code: 0, result: { installations: shown, next_page_token: next } };
  });
};

function readLimit(text: string | undefined, all: boolean): number {
  if (all && text !== undefined) throw new UsageError("--limit and --all do not go together");
  if (all) return Number.POSITIVE_INFINITY;
  const limit = text === undefined ? usualLimit : Number(text);
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw new UsageError(`--limit ${JSON.stringify(text)} is no number of installations`);
}

function lineOf({ id, status, platform, owner, externalOrgName, externalOrgId, lastError }: Page["installations"][0]) {
  const whose = owner === undefined ? "(no owner)" : printable(owner);
  const organization = `${printable(externalOrgName)} (${printable(externalOrgId)})`;
  const trouble = lastError === undefined ? "" : `  ${printable(lastError)}`;
  return `${id}  ${status.padEnd(24)}  ${platform.padEnd(12)}  ${whose}  ${organization}${trouble}`;
}
