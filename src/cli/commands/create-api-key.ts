import { createApiKey, hashOfApiKey } from "../../callers/api-key.ts";
import { wrongWithName } from "../../callers/names.ts";
import { registry } from "../../platforms/registry.ts";
import type { Command } from "../command.ts";

const dayMs = 24 * 3_600_000;
const lifeDays = 90;

/**
 * `keys create NAME`: prints a new API key, which is kept nowhere, and under it the line that stands for it in the
 * caller file.
 */
export const createApiKeyCommand: Command<readonly [string]> = async (given, { now, random, print, complain }) => {
  const [name] = given.arguments;
  const wrong = wrongWithName(name, registry.redact);
  if (wrong !== undefined) throw new Error(`a caller cannot be called ${JSON.stringify(name)}: ${wrong}`);
  const { id, key } = createApiKey(random);
  const hash = hashOfApiKey(key.reveal()).toString("hex");
  const expires = new Date(now().getTime() + lifeDays * dayMs).toISOString().slice(0, 10);
  print(key.reveal());
  print(`match: { api_key: "sha256:${hash}", expires: ${expires} }   # ${name}, key ${id}`);
  complain(`the first line is the key of ${name}, shown this once; the second one belongs into the caller file`);
  return { code: 0, result: { name, id, key: key.reveal(), api_key: `sha256:${hash}`, expires } };
};
