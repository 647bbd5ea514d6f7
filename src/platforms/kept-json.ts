/**
 * What of a JSON text is wanted: a whole value (`true`), or these fields of an object; for an array, of each of its
 * elements.
 */
export type KeptFields = true | { readonly [field: string]: KeptFields };

/** Reads a JSON text in pieces and remembers what is wanted of it. */
export interface KeptJson {
  /** False once more is kept than the limit allows. */
  push(chunk: Uint8Array): boolean;
  /** The kept part as JSON text; no JSON if the text ended too early. */
  text(): string;
}

const quote = 0x22;
const comma = 0x2c;
const backslash = 0x5c;
const openers: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const closers: ReadonlySet<number> = new Set([0x7d, 0x5d]);
const brace = 0x7b;
/** Blanks, line breaks and the colon, which say nothing here. */
const between: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0x3a]);

interface Frame {
  readonly isObject: boolean;
  readonly kept: KeptFields;
  written: boolean;
  /** Of an object: the field whose value comes next, once its name was read. */
  field: string | undefined;
}

/**
 * Keeps a part of an answer whose whole would not be worth its memory. Every structural character of JSON is one ASCII
 * byte, and no byte of a longer character is: chunks may end anywhere.
 */
export function createKeptJson(kept: KeptFields, maxKeptBytes: number): KeptJson {
  const pieces: Buffer[] = [];
  const frames: Frame[] = [];
  let size = 0;
  /** A value that is passed as a whole, kept or not. */
  let passing: { readonly copied: boolean; depth: number; scalar: boolean } | undefined;
  let name: Buffer[] | undefined;
  let inString = false;
  let escaped = false;

  function keep(bytes: Uint8Array | string): void {
    const piece = Buffer.from(bytes);
    size += piece.byteLength;
    pieces.push(piece);
  }

  /** Whether the string goes on after this byte. */
  function goesOn(byte: number): boolean {
    if (escaped) escaped = false;
    else if (byte === backslash) escaped = true;
    else if (byte === quote) return false;
    return true;
  }

  function wanted(): KeptFields | undefined {
    const frame = frames.at(-1);
    if (frame === undefined) return kept;
    if (!frame.isObject || frame.kept === true) return frame.kept;
    const { field } = frame;
    return field !== undefined && Object.hasOwn(frame.kept, field) ? frame.kept[field] : undefined;
  }

  function announce(): void {
    const frame = frames.at(-1);
    if (frame === undefined) return;
    if (frame.written) keep(",");
    frame.written = true;
    if (frame.isObject) keep(`${JSON.stringify(frame.field)}:`);
  }

  function beginValue(byte: number): void {
    const want = wanted();
    if (want !== undefined) announce();
    if (want !== undefined && want !== true && openers.has(byte)) {
      keep(byte === brace ? "{" : "[");
      frames.push({ isObject: byte === brace, kept: want, written: false, field: undefined });
      return;
    }
    passing = { copied: want !== undefined, depth: openers.has(byte) ? 1 : 0, scalar: false };
    inString = byte === quote;
    passing.scalar = passing.depth === 0 && !inString;
  }

  function endValue(): void {
    const frame = frames.at(-1);
    if (frame !== undefined) frame.field = undefined;
  }

  /** Passes a value up to its end; gives where to go on. */
  function pass(chunk: Uint8Array, start: number, first: boolean): number {
    const value = passing;
    if (value === undefined) return start;
    let at = first ? start + 1 : start;
    let open = !first || value.depth > 0 || inString || value.scalar;
    for (; open && at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (inString) {
        inString = goesOn(byte);
        open = inString || value.depth > 0;
      } else if (value.scalar) {
        if (byte === comma || closers.has(byte) || between.has(byte)) break;
      } else if (byte === quote) inString = true;
      else if (openers.has(byte)) value.depth++;
      else if (closers.has(byte)) {
        value.depth--;
        open = value.depth > 0;
      }
    }
    if (value.copied) keep(chunk.subarray(start, at));
    if (!open || (value.scalar && at < chunk.length)) {
      passing = undefined;
      endValue();
    }
    return at;
  }

  /** Reads the name of a field; gives where to go on. */
  function readName(chunk: Uint8Array, start: number, begun: Buffer[]): number {
    let at = start;
    while (at < chunk.length)
      if (!goesOn(chunk[at++] ?? 0)) {
        begun.push(Buffer.from(chunk.subarray(start, at)));
        const frame = frames.at(-1);
        if (frame !== undefined) frame.field = nameOf(Buffer.concat(begun).toString("utf8"));
        name = undefined;
        return at;
      }
    begun.push(Buffer.from(chunk.subarray(start, at)));
    return at;
  }

  /** One byte between values; gives where to go on. */
  function step(chunk: Uint8Array, at: number): number {
    const byte = chunk[at] ?? 0;
    if (between.has(byte) || byte === comma) return at + 1;
    const frame = frames.at(-1);
    if (closers.has(byte)) {
      if (frame === undefined) return at + 1;
      keep(frame.isObject ? "}" : "]");
      frames.pop();
      endValue();
      return at + 1;
    }
    if (frame?.isObject === true && frame.field === undefined) {
      name = [];
      return at + 1;
    }
    beginValue(byte);
    return passing === undefined ? at + 1 : pass(chunk, at, true);
  }

  return {
    push(chunk) {
      for (let at = 0; at < chunk.length && size <= maxKeptBytes; ) {
        if (passing !== undefined) at = pass(chunk, at, false);
        else if (name !== undefined) at = readName(chunk, at, name);
        else at = step(chunk, at);
      }
      return size <= maxKeptBytes;
    },
    text: () => Buffer.concat(pieces).toString("utf8"),
  };
}

/** The name between its quotes; one that is no JSON is nobody's. */
function nameOf(quoted: string): string {
  try {
    return String(JSON.parse(`"${quoted}`));
  } catch {
    return "";
  }
}
