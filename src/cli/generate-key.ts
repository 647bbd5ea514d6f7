import { generateKey } from "../storage/seal/key-ring.ts";
import { type Command, notUnderstood } from "./command.ts";

/** `keys generate`: prints a new encryption key and nothing else, so that it can be piped into a file. */
export const generateKeyCommand: Command = async (args, { random, print }) => {
  if (args.length > 0) return notUnderstood;
  print(generateKey(random).reveal());
  return 0;
};
