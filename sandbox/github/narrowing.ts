import { isRecord, type RequestBody } from "../http/request-body.ts";
import { type Repository, repositories } from "./accounts.ts";
import type { Narrowed } from "./installation-tokens.ts";
import type { Installation } from "./installations.ts";

export type NarrowingOutcome =
  | { readonly kind: "narrowed"; readonly narrowed: Narrowed }
  /** `status` 400 for a body that cannot be read, 422 for one that asks for too much. */
  | { readonly kind: "refused"; readonly status: 400 | 422; readonly message: string };

const levels = ["read", "write", "admin"];
const maxRepositories = 500;

/** Reads the body of a mint call against what the installation was granted. */
export function narrow(body: RequestBody, installation: Installation): NarrowingOutcome {
  if (body.kind === "none") return narrowed({ permissions: installation.permissions, repositories: undefined });
  if (body.kind !== "json" || !isRecord(body.value)) return refused("Problems parsing JSON", 400);
  const { permissions = {}, repositories: names, repository_ids: ids } = body.value;
  const chosen = chooseRepositories(names, ids, installation);
  if (typeof chosen === "string") return refused(chosen);
  const granted = choosePermissions(permissions, installation.permissions);
  if (typeof granted === "string") return refused(granted);
  return narrowed({ permissions: granted, repositories: chosen });
}

function chooseRepositories(names: unknown, ids: unknown, installation: Installation) {
  if (names === undefined && ids === undefined) return undefined;
  if (names !== undefined && ids !== undefined) return "Give repositories or repository_ids, not both.";
  const wanted = names ?? ids;
  if (!Array.isArray(wanted)) return "Repositories must be a list.";
  if (wanted.length > maxRepositories) return `At most ${maxRepositories} repositories can be named.`;
  const key: keyof Repository = names === undefined ? "id" : "name";
  const chosen: Repository[] = [];
  for (const one of wanted) {
    const found = repositories.find(
      (repository) => repository.owner === installation.account.login && repository[key] === one,
    );
    if (found === undefined) {
      return "There is at least one repository that does not exist or is not accessible to the parent installation.";
    }
    chosen.push(found);
  }
  return chosen.length === 0 ? undefined : chosen;
}

function choosePermissions(wanted: unknown, granted: Readonly<Record<string, string>>) {
  if (!isRecord(wanted)) return "Permissions must be an object.";
  if (Object.keys(wanted).length === 0) return granted;
  const chosen: Record<string, string> = {};
  for (const [name, level] of Object.entries(wanted)) {
    if (typeof level !== "string" || !levels.includes(level)) return `Invalid value for permission ${name}.`;
    if (levels.indexOf(level) > levels.indexOf(granted[name] ?? "none")) {
      return "The permissions requested are not granted to this installation.";
    }
    chosen[name] = level;
  }
  // Reading metadata comes with every token.
  return granted.metadata === undefined ? chosen : { ...chosen, metadata: "read" };
}

function narrowed(value: Narrowed): NarrowingOutcome {
  return { kind: "narrowed", narrowed: value };
}

function refused(message: string, status: 400 | 422 = 422): NarrowingOutcome {
  return { kind: "refused", status, message };
}
