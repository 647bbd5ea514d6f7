import type { KeyringAnswer, KeyringRequest } from "./keyring.ts";

/** What the keyring shows its secrets under. */
const application = "oauth-token";

/** One request of the keyring's process. Rejects if there is no keyring. */
export async function answerKeyringRequest(text: string): Promise<KeyringAnswer> {
  const { Entry } = await import("@napi-rs/keyring");
  const request = JSON.parse(text) as KeyringRequest;
  // The kernel's keyring, which it would fall back to, is empty after a restart.
  const entry = new Entry(application, request.id, { linux: { store: "secret-service" } });
  switch (request.kind) {
    case "set":
      entry.setPassword(request.secret);
      return { done: true };
    case "get":
      return { done: true, secret: entry.getPassword() ?? undefined };
    case "remove":
      return { done: entry.deletePassword() };
  }
}
