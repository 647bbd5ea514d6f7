import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createApiKey, hashOfApiKey } from "../src/callers/api-key.ts";
import type { Secret } from "../src/secret.ts";

/** Writes a caller file in which everybody has a key, two platforms and a few owners. Gives the key of one of them. */
export async function writeCallerFile(
  directory: string,
  callers: number,
): Promise<{ readonly path: string; readonly key: Secret }> {
  const keys = Array.from({ length: callers }, () => createApiKey(randomBytes).key);
  const entries = keys.map((key, i) => {
    const owners = [i % 10, (i + 3) % 10, (i + 7) % 10].map((n) => `owner-${n}`).join(", ");
    const hash = hashOfApiKey(key.reveal()).toString("hex");
    return `  - name: caller-${i}
    match: { api_key: "sha256:${hash}", expires: 2099-12-31 }
    allow:
      - methods: [ListInstallations]
        platforms: [github]
        owners: [${owners}]
      - methods: [GetToken]
        platforms: [github, slack]
        owners: [${owners}]
        rate: { per_second: 1000000, burst: 1000000 }
`;
  });
  const path = join(directory, "callers.yaml");
  await writeFile(path, `version: 1\ncallers:\n${entries.join("")}`);
  const key = keys[callers - (callers % 10) - 3];
  if (key === undefined) throw new Error("there are too few callers");
  return { path, key };
}
