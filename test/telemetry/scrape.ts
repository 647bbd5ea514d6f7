/** One line of the text format: a number with its labels. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Scrape {
  readonly text: string;
  readonly contentType: string;
  /** `counter`, `gauge` or `histogram` by name, also of what has no samples. */
  readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];
  /** The sum of what has the name and at least these labels. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

const line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;

/** Scrapes as Prometheus does. */
export async function scrape(internalUrl: string): Promise<Scrape> {
  const response = await fetch(`${internalUrl}/metrics`);
  if (response.status !== 200) throw new Error(`/metrics answered ${response.status}`);
  return parse(await response.text(), response.headers.get("content-type") ?? "");
}

/** Reads the text format. @throws Error at a line that is none of it. */
export function parse(text: string, contentType = ""): Scrape {
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const each of text.split("\n").filter((content) => content !== "")) {
    if (each.startsWith("# TYPE ")) {
      const [, , name = "", type = ""] = each.split(" ");
      types.set(name, type);
    }
    if (each.startsWith("#")) continue;
    const [, name, labels = "", value] = line.exec(each) ?? [];
    if (name === undefined) throw new Error(`this is no sample: ${each}`);
    samples.push({ name, labels: readLabels(labels), value: Number(value) });
  }
  return {
    text,
    contentType,
    types,
    samples,
    sum: (name, labels = {}) =>
      samples
        .filter(
          (sample) => sample.name === name && Object.entries(labels).every(([key, v]) => sample.labels[key] === v),
        )
        .reduce((sum, { value }) => sum + value, 0),
  };
}

/** The metric a sample belongs to: a histogram has three names. */
export function familyOf(name: string, types: ReadonlyMap<string, string>): string | undefined {
  if (types.has(name)) return name;
  const family = name.replace(/_(bucket|sum|count)$/, "");
  return types.get(family) === "histogram" ? family : undefined;
}

function readLabels(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, key, value]) => [key, value]),
  );
}
