import { createHash, randomUUID } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../failure.ts";
import type { Output } from "../output.ts";
import type { AccountKey } from "../service/account-tokens.ts";
import type { CliWorld } from "../world.ts";
import {
  type Account,
  type KeptSecret,
  type ReadAccount,
  readAccount,
  type StoredAccount,
  writeAccount,
} from "./account.ts";
import { configDirectory } from "./config-directory.ts";
import { writePrivateFile } from "./private-file.ts";

/**
 * The accounts of a person on this machine, each in a file of its own that is replaced as a whole: commands that run at
 * the same time lose nothing of each other's, and a broken file is one account.
 */
export interface AccountStore {
  /** In the order of their names. Files that are none of this version are told, and left as they are. */
  list(): readonly StoredAccount[];
  /** Fails before a person approves what could not be kept afterwards. */
  proveWritable(key: Pick<Account, "service" | "platform" | "name">): void;
  /** Keeps an account with its secret, in place of one of that name; in the keyring if there is one that answers. */
  save(account: Account, secret: string, allowKeyring: boolean): Promise<KeptSecret["kind"]>;
  /** @throws Failure if the keyring that has the secret does not give it. */
  key(stored: StoredAccount): Promise<AccountKey>;
  remove(stored: StoredAccount): Promise<void>;
}

export function createAccountStore(world: CliWorld, output: Output): AccountStore {
  const folder = () => join(configDirectory(world), "accounts");
  const pathOf = (account: Pick<Account, "service" | "platform" | "name">) => join(folder(), `${idOf(account)}.json`);

  function read(path: string): ReadAccount | undefined {
    try {
      tighten(path);
      return readAccount(readFileSync(path, "utf8"));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw cannot("read", path, error);
    }
  }

  /** Others who could read it may have done so. */
  function tighten(path: string): void {
    if (world.platform === "win32" || (statSync(path).mode & 0o077) === 0) return;
    output.note(`${path} could be read by others on this machine: sign in again if that was long so`);
    chmodSync(path, 0o600);
  }

  async function putInKeyring(id: string, secret: string, allowed: boolean): Promise<boolean> {
    const { keyring } = world;
    if (keyring === undefined) return false;
    if (!allowed) {
      await keyring.remove(id);
      return false;
    }
    if (await keyring.set(id, secret)) return true;
    world.interrupt.throwIfAborted();
    output.note("the keyring of this system does not take the secret: it is kept in a file that you alone can read");
    return false;
  }

  return {
    list() {
      const found: StoredAccount[] = [];
      for (const name of namesIn(folder())) {
        const path = join(folder(), name);
        const one = read(path);
        if (one?.kind === "account") found.push(one.stored);
        else if (one?.kind === "newer") output.note(`${path} is of a newer oauth-token, which this one cannot read`);
        else if (one?.kind === "broken") output.note(`${path} is not readable as an account, and passed over`);
      }
      return found.sort((a, b) => labelOf(a.account).localeCompare(labelOf(b.account)));
    },
    proveWritable(key) {
      const path = pathOf(key);
      if (read(path)?.kind === "newer") {
        throw new Failure(
          "failed",
          "NEWER_STORE",
          `${path} is of a newer oauth-token: use that one, or another --name`,
        );
      }
      const probe = join(folder(), `.probe-${randomUUID()}`);
      try {
        writePrivateFile(probe, "", randomUUID());
        rmSync(probe, { force: true });
      } catch (error) {
        throw cannot("write", folder(), error);
      }
    },
    async save(account, secret, allowKeyring) {
      const path = pathOf(account);
      const inKeyring = await putInKeyring(idOf(account), secret, allowKeyring);
      const kept: KeptSecret = inKeyring ? { kind: "keyring" } : { kind: "file", secret };
      try {
        writePrivateFile(path, writeAccount({ account, kept }), randomUUID());
      } catch (error) {
        throw cannot("write", path, error);
      }
      return kept.kind;
    },
    async key({ account, kept }) {
      const { service, platform, accountId } = account;
      const secret = kept.kind === "file" ? kept.secret : await world.keyring?.get(idOf(account));
      if (secret === undefined) {
        world.interrupt.throwIfAborted();
        throw new Failure(
          "failed",
          "KEYRING_UNAVAILABLE",
          `the keyring does not give the secret of ${labelOf(account)}: unlock it, or sign in again with --no-keyring`,
        );
      }
      return { service, platform, accountId, secret };
    },
    async remove({ account, kept }) {
      if (kept.kind === "keyring") await world.keyring?.remove(idOf(account));
      const path = pathOf(account);
      try {
        rmSync(path, { force: true });
      } catch (error) {
        throw cannot("remove", path, error);
      }
    },
  };
}

/** How a person knows it: the platform, and the name where it has one of its own. */
export function labelOf({ platform, name }: Pick<Account, "platform" | "name">): string {
  return name === defaultName ? platform : `${platform} (${name})`;
}

export const defaultName = "default";

/** A file's name on every system, whatever the account is called. */
function idOf({ service, platform, name }: Pick<Account, "service" | "platform" | "name">): string {
  return createHash("sha256")
    .update(JSON.stringify([service, platform, name]))
    .digest("hex")
    .slice(0, 32);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if (isMissing(error)) return [];
    throw cannot("read", folder, error);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function cannot(verb: string, path: string, error: unknown): Failure {
  const why = error instanceof Error ? error.message : String(error);
  return new Failure("failed", "STORE_UNUSABLE", `cannot ${verb} ${path}: ${why}`);
}
