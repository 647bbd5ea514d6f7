import { hash } from "node:crypto";
import { inspect } from "node:util";

/** A string that does not survive logging, JSON, template literals or inspection by accident. */
export class Secret {
  readonly #value: string;
  #fingerprint: string | undefined;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. Every call is a place where a secret may leave: keep them few. */
  reveal(): string {
    return this.#value;
  }

  /** Names the value without revealing it: lowercase hex SHA-256. For values too random to be guessed. */
  fingerprint(): string {
    this.#fingerprint ??= hash("sha256", this.#value);
    return this.#fingerprint;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [inspect.custom](): string {
    return "[secret]";
  }
}
