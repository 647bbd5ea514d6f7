import { Secret } from "../secret.ts";
import { ConfigError, type Problem } from "./config-error.ts";
import { type DefaultedName, namesOf, type PlainName, type SecretName, type Setting } from "./setting.ts";

export type Environment = Readonly<Record<string, string | undefined>>;
/** The text of a file. @throws if it cannot be read. */
export type ReadFile = (path: string) => string;

/**
 * Reads settings by name and remembers what is wrong, so that an operator hears of everything at once. A setting that
 * is empty or blank is unset. Whatever is wrong reads as unset; `finish` throws before it can be used.
 */
export interface SettingReader<in S extends Setting> {
  /** The trimmed value under its own name or an alias. */
  text(name: PlainName<S>): string | undefined;
  /** What counts while the setting is unset. */
  defaultOf(name: DefaultedName<S>): string;
  /** The value, or that of the file `<name>_FILE`. */
  secret(name: SecretName<S>): Secret | undefined;
  /** The text of the file at `path`; undefined, with a problem, if there is none. */
  file(setting: string, path: string): string | undefined;
  /** Whether the setting has a value, be it a wrong one, or a file to read it from. */
  isGiven(name: S["name"]): boolean;
  /** Whether the setting is there without a value. */
  isEmpty(name: S["name"]): boolean;
  problem(setting: string, wrong: string, fix: string): void;
  warn(warning: string): void;
  /** What was warned of. @throws ConfigError if there was any problem. */
  finish(): readonly string[];
}

/** The same, of settings that nobody has listed: any reader of some settings alone can be had from it. */
export interface AnyReader extends SettingReader<Setting> {
  defaultOf(name: string): string;
  secret(name: string): Secret | undefined;
}

/**
 * A reader of these settings and no others.
 * @throws Error for any other name, and if two of them listen to one name: a mistake of ours.
 */
export function createSettingReader(settings: readonly Setting[], env: Environment, readFile: ReadFile): AnyReader {
  const rows = new Map<string, Setting>(settings.map((setting) => [setting.name, setting]));
  refuseSharedNames(settings);
  const problems: Problem[] = [];
  const warnings: string[] = [];

  function problem(setting: string, wrong: string, fix: string): void {
    problems.push({ setting, wrong, fix });
  }

  function rowOf(name: string): Setting {
    const row = rows.get(name);
    if (row === undefined) throw new Error(`there is no setting ${name}`);
    return row;
  }

  function valueUnder(name: string): string | undefined {
    const names = [name, ...(rowOf(name).aliases ?? [])];
    const given = names.flatMap((known) => {
      const value = env[known]?.trim() ?? "";
      if (value === "" || isServiceLink(known, value)) return [];
      return [{ known, value }];
    });
    if (new Set(given.map(({ value }) => value)).size > 1) {
      problem(name, `${given.map(({ known }) => known).join(" and ")} name different values`, "set one of them");
    }
    return given[0]?.value;
  }

  /** Kubernetes describes a service named `grpc` by `GRPC_PORT=tcp://10.0.0.1:50051` in each of its neighbours. */
  function isServiceLink(name: string, value: string): boolean {
    if (!name.endsWith("_PORT") || !/^(tcp|udp|sctp):\/\//i.test(value)) return false;
    warnings.push(`${name} is what Kubernetes says of a service of that name, and is taken for unset`);
    return true;
  }

  function readText(setting: string, path: string): string | undefined {
    try {
      return readFile(path);
    } catch (error) {
      problem(setting, `the file ${path} cannot be read (${codeOf(error)})`, "set the path of a readable file");
      return undefined;
    }
  }

  return {
    text: valueUnder,
    defaultOf(name) {
      const value = rowOf(name).default;
      if (value === undefined) throw new Error(`the setting ${name} has no default`);
      return value;
    },
    secret(name) {
      const value = valueUnder(name);
      const path = env[`${name}_FILE`]?.trim() ?? "";
      if (path === "") return value === undefined ? undefined : new Secret(value);
      if (value !== undefined) {
        problem(name, `is given as well as ${name}_FILE`, "set one of them");
        return undefined;
      }
      const text = readText(`${name}_FILE`, path)?.trim();
      if (text === "") problem(`${name}_FILE`, `the file ${path} is empty`, "put the value into it");
      return text === undefined || text === "" ? undefined : new Secret(text);
    },
    file: readText,
    isGiven: (name) => valueUnder(name) !== undefined || (env[`${name}_FILE`]?.trim() ?? "") !== "",
    isEmpty: (name) => env[name]?.trim() === "",
    problem,
    warn: (warning) => void warnings.push(warning),
    finish() {
      const told = [...new Set(warnings)];
      if (problems.length > 0) throw new ConfigError(unique(problems), told);
      return told;
    },
  };
}

/** A variable has one meaning, be it a setting's, its other name's, or the file's that a secret is in. */
function refuseSharedNames(settings: readonly Setting[]): void {
  const owners = new Map<string, string>();
  for (const setting of settings) {
    for (const name of namesOf(setting)) {
      const other = owners.get(name);
      if (other !== undefined) throw new Error(`${name} belongs to ${other} and to ${setting.name}`);
      owners.set(name, setting.name);
    }
  }
}

/** A setting that is read twice has its problem once. */
function unique(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [`${problem.setting}\n${problem.wrong}`, problem])).values()];
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unreadable";
}
