import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A Fernet message and its token, made or read by another implementation. */
export interface FernetExchange {
  readonly key: string;
  readonly message: string;
  readonly token: string;
}

interface Vector {
  readonly desc?: string;
  readonly token: string;
  readonly now: string;
  readonly ttl_sec: number;
  readonly iv: readonly number[];
  readonly src: string;
  readonly secret: string;
}

/** The format's official test vectors. */
export function fernetVectors(name: "generate" | "verify" | "invalid"): readonly Vector[] {
  const path = new URL(`../../fixtures/fernet/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8")) as readonly Vector[];
}

/** Whether Python's cryptography is there to talk to. */
export const hasPythonPeer = spawnSync("python3", ["-c", "import cryptography.fernet"]).status === 0;

/** Seals every message with Python's cryptography; without it, what the specification's authors sealed. */
export function sealedElsewhere(key: string, messages: readonly string[]): readonly FernetExchange[] {
  if (!hasPythonPeer) {
    return fernetVectors("verify").map(({ secret, src, token }) => ({ key: secret, message: src, token }));
  }
  const tokens = askPython("encrypt", key, messages);
  return messages.map((message, index) => ({ key, message, token: tokens[index] ?? "" }));
}

/** Opens every token with Python's cryptography. */
export function openedByPython(key: string, tokens: readonly string[]): readonly string[] {
  return askPython("decrypt", key, tokens);
}

function askPython(operation: "encrypt" | "decrypt", key: string, texts: readonly string[]): readonly string[] {
  const { status, stdout, stderr } = spawnSync("python3", ["-c", program], {
    input: JSON.stringify({ operation, key, texts }),
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`the Python peer failed: ${stderr}`);
  return JSON.parse(stdout) as readonly string[];
}

const program = `
import json, sys
from cryptography.fernet import Fernet
asked = json.load(sys.stdin)
work = getattr(Fernet(asked["key"]), asked["operation"])
json.dump([work(text.encode()).decode() for text in asked["texts"]], sys.stdout)
`;
