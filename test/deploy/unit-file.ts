import { readFile } from "node:fs/promises";

const folder = new URL("../../deploy/systemd/", import.meta.url);

/** The settings of the files of a unit, in their order, each with every value that it was given. */
export async function readUnit(...files: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const file of files) {
    for (const line of (await readFile(new URL(file, folder), "utf8")).split("\n")) {
      const [, key = "", value = ""] = /^(\w+)=(.*)$/.exec(line) ?? [];
      if (key !== "") found.set(key, [...(found.get(key) ?? []), value]);
    }
  }
  return found;
}
