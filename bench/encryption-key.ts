import { randomBytes } from "node:crypto";
import { generateKey } from "../src/storage/seal/key-ring.ts";

/** One key for all databases of a run. */
export const encryptionKey = generateKey(randomBytes);
