import { readFile } from "node:fs/promises";
import type { Log } from "../world.ts";
import { endOf, faultsIn, leastTlsVersion, type TlsFiles, type TlsMaterial } from "./certificates.ts";

/** What a TLS server presents, and whom it believes. May be replaced while it runs. */
export interface ServerContext {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
  readonly minVersion: typeof leastTlsVersion;
}

/** The certificates of the listeners, as their files last were in order. */
export interface CertificateStore {
  readonly current: ServerContext;
  /** Told of every later set. Returns how to stop. */
  subscribe(listener: (context: ServerContext) => void): () => void;
  /** Looks at the files. What is broken is logged once, and the last good set stays in use. Never rejects. */
  reload(): Promise<void>;
}

/** @throws Error that names the file if one cannot be read or used. */
export async function openCertificates(files: TlsFiles, log: Log): Promise<CertificateStore> {
  let material = await read(files);
  const [fault] = faultsIn(material);
  if (fault !== undefined) throw new Error(`${files[fault.part]} ${fault.wrong}`);
  let current = contextOf(material);
  let reported = "";
  const listeners = new Set<(context: ServerContext) => void>();
  log.info({ ends: endOf(material) }, "tls.loaded");

  function report(faults: readonly { readonly file: string | undefined; readonly wrong: string }[]): void {
    const text = JSON.stringify(faults);
    if (text !== reported && faults.length > 0) {
      log.error({ faults, advice: "the last good certificates stay in use" }, "tls.not_reloaded");
    }
    reported = text;
  }

  return {
    get current() {
      return current;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async reload() {
      let next: TlsMaterial;
      try {
        next = await read(files);
      } catch (error) {
        return report([{ file: undefined, wrong: error instanceof Error ? error.message : "cannot be read" }]);
      }
      const faults = isSame(next, material) ? [] : faultsIn(next);
      report(faults.map(({ part, wrong }) => ({ file: files[part], wrong })));
      if (faults.length > 0 || isSame(next, material)) return;
      material = next;
      current = contextOf(next);
      for (const listener of listeners) listener(current);
      log.info({ ends: endOf(next) }, "tls.reloaded");
    },
  };
}

/** @throws Error that names the path. */
async function read({ cert, key, clientCa }: TlsFiles): Promise<TlsMaterial> {
  const [certText, keyText, clientCaText] = await Promise.all([text(cert), text(key), clientCa && text(clientCa)]);
  return { cert: certText, key: keyText, clientCa: clientCaText };
}

async function text(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "unreadable";
    throw new Error(`the file ${path} cannot be read (${code})`, { cause: error });
  }
}

function isSame(one: TlsMaterial, other: TlsMaterial): boolean {
  return one.cert === other.cert && one.key === other.key && one.clientCa === other.clientCa;
}

function contextOf({ cert, key, clientCa }: TlsMaterial): ServerContext {
  return { cert, key, ca: clientCa, minVersion: leastTlsVersion };
}
