import { permissionLevels } from "../domain/access/permission-ceiling.ts";
import type { Permissions, Rate, Rule } from "../domain/access/rule.ts";
import type { FileReader, Mapping } from "./file-reader.ts";
import { type KnownNames, knownMethods } from "./names.ts";
import { safeAddress } from "./web-address.ts";

const keys = [
  "methods",
  "platforms",
  "owners",
  "all_owners",
  "permissions",
  "rate",
  "return_origins",
  "complete_in_callback",
];
const most = 1_000_000;

/** One entry of `allow`. What is wrong reads as allowing nothing: the file is refused anyway. */
export function readRule(value: unknown, path: string, known: KnownNames, reader: FileReader): Rule {
  const entry = reader.mapping(value, path, keys) ?? new Map<string, unknown>();
  const methods = reader.names(entry.get("methods"), `${path}.methods`, "[GetToken]", knownMethods(known)) ?? [];
  // Figures of the whole process belong to no platform and no owner.
  const aboutNothing = methods.length === 1 && methods[0] === "Metrics";
  const named =
    aboutNothing && !entry.has("platforms")
      ? []
      : (reader.names(entry.get("platforms"), `${path}.platforms`, "[github]", known.products) ?? []);
  return {
    methods: new Set(methods),
    products: new Set(named),
    owners: aboutNothing && !hasOwners(entry) ? new Set() : readOwners(entry, path, reader),
    ceilings: readCeilings(entry.get("permissions"), `${path}.permissions`, named, known, reader),
    rate: readRate(entry.get("rate"), `${path}.rate`, reader),
    returnOrigins: readOrigins(entry.get("return_origins"), `${path}.return_origins`, reader),
    completeInCallback: reader.flag(entry.get("complete_in_callback"), `${path}.complete_in_callback`),
  };
}

function hasOwners(entry: Mapping): boolean {
  return entry.has("owners") || entry.has("all_owners");
}

function readOwners(entry: Mapping, path: string, reader: FileReader): Rule["owners"] {
  const all = reader.flag(entry.get("all_owners"), `${path}.all_owners`);
  if (!entry.has("owners")) {
    if (all) return "all";
    reader.problem(
      `${path}.owners`,
      "neither owners nor all_owners: true",
      "write owners: [acme], or all_owners: true",
    );
    return new Set();
  }
  if (entry.has("all_owners")) reader.problem(path, "owners and all_owners exclude each other", "keep one of them");
  return new Set(reader.names(entry.get("owners"), `${path}.owners`, "[acme]"));
}

function readCeilings(
  value: unknown,
  path: string,
  platforms: readonly string[],
  { narrowable }: KnownNames,
  reader: FileReader,
): Rule["ceilings"] {
  const ofRule = platforms.filter((platform) => narrowable.includes(platform));
  const found = new Map<string, Permissions | undefined>(ofRule.map((platform) => [platform, undefined]));
  if (value === undefined) return found;
  const example = "{ github: { contents: read } }";
  if (!(value instanceof Map) || value.size === 0) {
    reader.problem(path, "this is not a mapping with something in it", `write ${example}, or leave it out`);
    return found;
  }
  for (const [platform, entries] of value as ReadonlyMap<string, unknown>) {
    const at = `${path}.${reader.shown(platform)}`;
    if (!narrowable.includes(platform)) {
      reader.problem(
        at,
        `only tokens of ${narrowable.join(", ")} can be narrowed`,
        `write ${example}, or leave it out`,
      );
    } else if (!platforms.includes(platform)) {
      reader.problem(at, "platforms of this rule do not have it", "add it there, or leave it out here");
    }
    if (!(entries instanceof Map) || entries.size === 0) {
      reader.problem(at, "this is not a mapping with something in it", "write { contents: read }");
      continue;
    }
    for (const [name, level] of entries as ReadonlyMap<string, unknown>) {
      if (!/^[a-z][a-z0-9_]{0,63}$/.test(name)) {
        reader.problem(`${at}.${reader.shown(name)}`, "this is not a permission", "write one such as contents");
      }
      if (typeof level !== "string" || !permissionLevels.includes(level)) {
        reader.problem(
          `${at}.${reader.shown(name)}`,
          `${reader.shown(level)} is not a level`,
          "write read, write or admin",
        );
      }
    }
    found.set(platform, Object.fromEntries(entries) as Permissions);
  }
  return found;
}

function readRate(value: unknown, path: string, reader: FileReader): Rate | undefined {
  if (value === undefined) return undefined;
  const entry = reader.mapping(value, path, ["per_second", "burst"]);
  if (entry === undefined) return undefined;
  const perSecond = entry.get("per_second");
  const burst = entry.get("burst");
  const bothGiven = typeof perSecond === "number" && typeof burst === "number";
  if (bothGiven && perSecond > 0 && perSecond <= most && Number.isInteger(burst) && burst >= 1 && burst <= most) {
    return { perSecond, burst };
  }
  reader.problem(
    path,
    "per_second has to be a number above 0, and burst a whole number of at least 1",
    "write { per_second: 50, burst: 100 }",
  );
  return undefined;
}

function readOrigins(value: unknown, path: string, reader: FileReader): ReadonlySet<string> {
  if (value === undefined) return new Set();
  const origins = reader.names(value, path, '["https://portal.example"]') ?? [];
  for (const [index, origin] of origins.entries()) {
    if (safeAddress(origin)?.origin === origin) continue;
    const wrong = "this is not an origin: https (or http on loopback), host in lower case, no path, no default port";
    reader.problem(`${path}[${index}]`, wrong, "write one such as https://portal.example");
  }
  return new Set(origins);
}
