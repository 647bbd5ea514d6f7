import { inject } from "vitest";
import { createTcpProxy, type TcpProxy } from "../../rig/tcp-proxy.ts";

/** How a service reaches a database of the tests: directly or, in a run that has a pooler, through that. */
export interface DatabaseWay {
  /** The settings that lead there; as another user if one is given. */
  env(account?: DatabaseAccount): Readonly<Record<string, string>>;
  /** Undefined unless it was asked for. */
  readonly line: DatabaseLine | undefined;
  close(): Promise<void>;
}

export interface DatabaseAccount {
  readonly username: string;
  readonly password: string;
}

/** Passes everything on until a test breaks it. */
export type DatabaseLine = Pick<TcpProxy, "set" | "cut">;

export async function openDatabaseWay(direct: string, throughLine: boolean): Promise<DatabaseWay> {
  const pooler = inject("poolerPort");
  const port = Number(new URL(direct).port);
  const ports = pooler === undefined ? { DATABASE_URL: port } : { DATABASE_URL: pooler, DATABASE_DIRECT_URL: port };
  const lines: TcpProxy[] = [];
  const settings: (readonly [string, URL])[] = [];
  for (const [name, target] of Object.entries(ports)) {
    const line = throughLine ? await createTcpProxy(target) : undefined;
    if (line !== undefined) lines.push(line);
    settings.push([name, Object.assign(new URL(direct), { port: String(line?.port ?? target) })]);
  }
  return {
    env: (account) =>
      Object.fromEntries(settings.map(([name, url]) => [name, Object.assign(new URL(url), account ?? {}).href])),
    line: throughLine
      ? {
          set: (mode) => lines.forEach((line) => void line.set(mode)),
          cut: () => lines.forEach((line) => void line.cut()),
        }
      : undefined,
    async close() {
      for (const line of lines) await line.close();
    },
  };
}
