import type { CliWorld } from "./world.ts";

/** What a command says: results on standard output, everything else on standard error. */
export interface Output {
  readonly json: boolean;
  /** A result: the text for people, or with `--json` the object as a line. */
  result(text: string, object: object): void;
  /** A sentence for the person on the way to the result. */
  note(sentence: string): void;
  /** Replaces the last progress on a terminal, and is not shown elsewhere. */
  progress(sentence: string): void;
  /** Why the command ends without what it was asked for. */
  failure(reason: string, message: string): void;
  /** The text as it stands out on a terminal. */
  strong(text: string): string;
}

export function createOutput(world: CliWorld, json: boolean): Output {
  const { env } = world;
  const live = world.errorIsTerminal && !json && env.TERM !== "dumb";
  const colors = live && (env.NO_COLOR ?? "") === "";
  let shown = false;

  function clear(): void {
    if (shown) world.writeError("\r\u001b[K");
    shown = false;
  }

  return {
    json,
    result(text, object) {
      clear();
      world.write(json ? `${JSON.stringify(object)}\n` : `${text}\n`);
    },
    note(sentence) {
      clear();
      world.writeError(json ? `${JSON.stringify({ message: sentence })}\n` : `${printable(sentence)}\n`);
    },
    progress(sentence) {
      if (!live) return;
      clear();
      world.writeError(printable(sentence));
      shown = true;
    },
    failure(reason, message) {
      clear();
      const text = printable(message);
      world.writeError(json ? `${JSON.stringify({ error: { reason, message } })}\n` : `oauth-token: ${text}\n`);
    },
    strong: (text) => (colors ? `\u001b[1m${text}\u001b[22m` : text),
  };
}

/** Control and direction characters could make a terminal do or show something else. */
const shapeless = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A text that came from outside, for a terminal. */
export function printable(text: string): string {
  return text.replace(shapeless, "");
}
