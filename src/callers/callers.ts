import { hash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { Authenticate } from "../domain/access/caller.ts";
import type { CallerNow } from "../domain/connecting/link-policy.ts";
import type { Redact } from "../secret-shapes.ts";
import { every, type Schedule } from "../work/every.ts";
import type { World } from "../world.ts";
import { createAuthenticator } from "./authenticator.ts";
import { type CallerFile, parseCallerFile } from "./caller-file.ts";
import { FileRefused } from "./file-problems.ts";
import type { Issuer } from "./issuer-entries.ts";
import { createIssuerKeys, type IssuerKeys } from "./issuer-keys.ts";
import type { KnownNames } from "./names.ts";
import { createPolicy, type Policy } from "./policy.ts";

/** What became of a caller file. */
export type PolicyEvent =
  | { readonly kind: "policy.loaded"; readonly policyHash: string; readonly callers: readonly string[] }
  /** `policyHash`: of the file that stays in force. */
  | { readonly kind: "policy.refused"; readonly policyHash: string };

/** The callers of a file that is read again when it changes. */
export interface Callers {
  readonly authenticate: Authenticate;
  /** SHA-256 of the file in force, in hex. */
  policyHash(): string;
  /** A caller of the file in force, by its name. */
  readonly callerNow: CallerNow;
  /** Names of the file in force. */
  names(): readonly string[];
  /** Looks no more. */
  close(): Promise<void>;
}

export interface CallersParts extends KnownNames {
  readonly path: string;
  readonly redact: Redact;
  readonly world: Pick<World, "fetchNamed" | "now" | "log">;
  /** Told of every file, the first one too, once for each; told again until it does not fail. */
  readonly report?: ((event: PolicyEvent) => Promise<void> | void) | undefined;
  readonly schedule?: Schedule | undefined;
  readonly read?: ((path: string) => Promise<Uint8Array>) | undefined;
}

const lookMs = 1_000;

/**
 * Reads the caller file, and looks at its content every second: that sees editors, copies and Kubernetes' symbolic links
 * alike. A new content counts once two looks in a row found it the same, since files are written in pieces. One that
 * cannot be used is logged and reported, and the last good one stays.
 * @throws FileRefused, or an Error that names the path, if the first one cannot be used.
 */
export async function createCallers(parts: CallersParts): Promise<Callers> {
  const { path, world, schedule = every, read = readFile } = parts;
  const name = `the caller file ${path}`;
  const parse = (bytes: Uint8Array) => parseCallerFile(bytes, { ...parts, now: world.now(), name });

  const first = await read(path).catch((error: unknown) => {
    throw new Error(`AUTH_CONFIG: ${name} cannot be read (${codeOf(error)})`);
  });
  let policy = createPolicy(warned(parse(first)));
  await warnOfMode();
  const keysOf = rememberedKeys(world);
  const authenticator = createAuthenticator({ policy, keysOf: keysOf.of, now: world.now });
  let unreported: readonly PolicyEvent[] = [];
  /** What the last look found, and what was last decided on. */
  let seen = fingerprintOf(first);
  let decided = seen;
  await report(loaded(policy));

  function warned(file: CallerFile): CallerFile {
    for (const warning of file.warnings) world.log.warn({ warning }, "policy.warning");
    return file;
  }

  /** What others may read tells them whose keys are worth stealing; what they may write, they decide. */
  async function warnOfMode(): Promise<void> {
    const mode = await stat(path).then(
      (file) => file.mode,
      () => 0,
    );
    const may = (mode & 0o022) !== 0 ? "changed" : (mode & 0o004) !== 0 ? "read" : undefined;
    if (may === undefined) return;
    const warning = `${name} can be ${may} by others on this machine (mode ${(mode & 0o777).toString(8)}): chmod 640`;
    world.log.warn({ warning }, "policy.warning");
  }

  /** Never fails: what could not be reported is, at the next look. */
  async function report(event?: PolicyEvent): Promise<void> {
    unreported = event === undefined ? unreported : [...unreported, event];
    try {
      for (let [next] = unreported; next !== undefined; [next] = unreported) {
        await parts.report?.(next);
        unreported = unreported.slice(1);
      }
    } catch (error) {
      world.log.warn({ error: error instanceof Error ? error.name : "unknown" }, "policy.not_reported");
    }
  }

  async function look(): Promise<void> {
    if (unreported.length > 0) await report();
    const found = await read(path).catch((error: unknown) => codeOf(error));
    const before = seen;
    seen = fingerprintOf(found);
    if (seen === decided || seen !== before) return;
    decided = seen;
    await report(decide(found));
  }

  function decide(found: Uint8Array | string): PolicyEvent | undefined {
    try {
      if (typeof found === "string") throw new Error(`${name} cannot be read (${found})`);
      const next = createPolicy(warned(parse(found)));
      if (next.hash === policy.hash) return undefined;
      policy = next;
      void warnOfMode();
      keysOf.keepOnly(policy.issuers);
      authenticator.use(policy);
      world.log.info({ policyHash: policy.hash, callers: policy.callers.length }, "policy.loaded");
      return loaded(policy);
    } catch (error) {
      const problems = error instanceof FileRefused ? { problems: error.problems.length } : {};
      const message = error instanceof Error ? error.message : "unknown";
      world.log.error({ policyHash: policy.hash, message, ...problems }, "policy.refused");
      return { kind: "policy.refused", policyHash: policy.hash };
    }
  }

  const looking = schedule(lookMs, "look at the caller file", look, world.log);
  return {
    authenticate: authenticator.authenticate,
    policyHash: () => policy.hash,
    callerNow: (wanted) => policy.callers.find((caller) => caller.name === wanted),
    names: () => namesOf(policy),
    close: looking.close,
  };
}

/** The key sets of issuers outlive the files that name them, so that a change of a rule calls nobody. */
function rememberedKeys(world: CallersParts["world"]) {
  const byUri = new Map<string, IssuerKeys>();
  return {
    of({ name, jwksUri }: Issuer): IssuerKeys {
      const known = byUri.get(jwksUri);
      if (known !== undefined) return known;
      const made = createIssuerKeys({ uri: jwksUri, issuer: name, world });
      byUri.set(jwksUri, made);
      return made;
    },
    keepOnly(issuers: readonly Issuer[]): void {
      const named = new Set(issuers.map(({ jwksUri }) => jwksUri));
      for (const uri of byUri.keys()) if (!named.has(uri)) byUri.delete(uri);
    },
  };
}

function loaded(policy: Policy): PolicyEvent {
  return { kind: "policy.loaded", policyHash: policy.hash, callers: namesOf(policy) };
}

function namesOf(policy: Policy): readonly string[] {
  return policy.callers.map(({ name }) => name);
}

/** The same for the same content; a file that cannot be read has its reason. */
function fingerprintOf(found: Uint8Array | string): string {
  return typeof found === "string" ? found : hash("sha256", found);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unreadable";
}
