/** Secret values that went through the service, and the search for what is left of them in its outputs. */
export interface Canaries {
  /** Remembers a value that must not come out. Its name is told when it does. */
  add(name: string, value: string | undefined): void;
  /** How many values there are of each name. */
  counts(): Readonly<Record<string, number>>;
  /** Every piece of 12 characters that comes out: plain, URL-encoded, or inside base64, base64url or hex. */
  search(outputs: Iterable<Output>): readonly string[];
}

/** Something that left the service, and the place where it did. */
export interface Output {
  readonly where: string;
  readonly text: string;
}

const piece = 12;
/** A link code: too short for pieces, and looked for whole. */
const wholeOnly = /^\d{11}$/;
/** As long as 12 bytes are in each encoding. */
const base64Piece = 16;
const hexPiece = 24;

export function createCanaries(): Canaries {
  const values = new Map<string, string>();

  return {
    add(name, value) {
      if (value === undefined) return;
      for (const line of value.split(/\s+/)) {
        const isLong = line.length >= piece && !line.startsWith("-----");
        if (isLong || wholeOnly.test(line)) values.set(line, values.get(line) ?? name);
      }
    },
    counts() {
      const counts: Record<string, number> = {};
      for (const name of values.values()) counts[name] = (counts[name] ?? 0) + 1;
      return counts;
    },
    search(outputs) {
      const known = piecesOf(values);
      const whole = [...values].filter(([value]) => wholeOnly.test(value));
      const found = new Set<string>();
      for (const { where, text } of outputs) {
        for (const hit of hitsIn(text, known)) found.add(`${hit} in ${where}`);
        for (const [value, name] of whole) if (text.includes(value)) found.add(`${name} in ${where}`);
      }
      return [...found];
    },
  };
}

interface Pieces {
  readonly plain: ReadonlyMap<string, string>;
  readonly base64: ReadonlyMap<string, string>;
  readonly hex: ReadonlyMap<string, string>;
}

function piecesOf(values: ReadonlyMap<string, string>): Pieces {
  const [plain, base64, hex] = [new Map<string, string>(), new Map<string, string>(), new Map<string, string>()];
  const cut = (into: Map<string, string>, name: string, text: string, length: number, step = 1) => {
    for (let at = 0; at + length <= text.length; at += step) into.set(text.slice(at, at + length), name);
  };
  for (const [value, name] of values) {
    cut(plain, name, value, piece);
    cut(hex, `${name} (hex)`, Buffer.from(value).toString("hex"), hexPiece, 2);
    for (const shift of [0, 1, 2]) {
      const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(value)]);
      // What the bytes before it decide, and what those after it would.
      const whole = Math.floor(bytes.length / 3) * 4;
      for (const encoding of ["base64", "base64url"] as const) {
        cut(
          base64,
          `${name} (${encoding})`,
          bytes.toString(encoding).slice(shift === 0 ? 0 : shift + 1, whole),
          base64Piece,
        );
      }
    }
  }
  return { plain, base64, hex };
}

/** The characters that secrets and their encodings consist of. */
const runs = /[A-Za-z0-9+/=_.~%-]{12,}/g;

function* hitsIn(text: string, { plain, base64, hex }: Pieces): Iterable<string> {
  for (const [run] of text.matchAll(runs)) {
    const lower = run.toLowerCase();
    for (let at = 0; at + piece <= run.length; at++) {
      const hit =
        plain.get(run.slice(at, at + piece)) ??
        base64.get(run.slice(at, at + base64Piece)) ??
        hex.get(lower.slice(at, at + hexPiece));
      if (hit !== undefined) yield hit;
    }
    const decoded = run.includes("%") ? percentDecoded(run) : run;
    if (decoded === run) continue;
    for (let at = 0; at + piece <= decoded.length; at++) {
      const hit = plain.get(decoded.slice(at, at + piece));
      if (hit !== undefined) yield `${hit} (URL-encoded)`;
    }
  }
}

function percentDecoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
}
