import { createHash, timingSafeEqual } from "node:crypto";

/** Whether what a client presented is the secret. */
export function secretEquals(presented: string | undefined, secret: string): boolean {
  return presented !== undefined && timingSafeEqual(digest(presented), digest(secret));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
