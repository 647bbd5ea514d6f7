import { generateKey } from "../../storage/seal/key-ring.ts";
import type { Command } from "../command.ts";

/** `keys generate`: prints a new encryption key and nothing else, so that it can be piped into a file. */
export const generateKeyCommand: Command = async (_given, { random, print }) => {
  const key = generateKey(random).reveal();
  print(key);
  return { code: 0, result: { key } };
};
