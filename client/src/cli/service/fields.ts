import { Failure } from "../failure.ts";

/** Reads what a service answered: what is missing or of another type ends the command. */
export interface Fields {
  text(name: string): string;
  optionalText(name: string): string | undefined;
  /** `otherwise` where it is missing. */
  number(name: string, otherwise: number): number;
  texts(name: string): readonly string[];
  objects(name: string): readonly Readonly<Record<string, unknown>>[];
}

export function readFields(body: unknown, service: string): Fields {
  if (!isObject(body)) throw strange(service, "what is not a JSON object");
  const optionalText = (name: string) => {
    const value = body[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const list = (name: string) => {
    const value = body[name] ?? [];
    if (!Array.isArray(value)) throw strange(service, `no list as ${name}`);
    return value as readonly unknown[];
  };
  return {
    optionalText,
    text(name) {
      const value = optionalText(name);
      if (value === undefined) throw strange(service, `no ${name}`);
      return value;
    },
    number(name, otherwise) {
      const value = body[name];
      return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : otherwise;
    },
    texts: (name) => list(name).filter((one) => typeof one === "string"),
    objects: (name) => list(name).filter(isObject),
  };
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function strange(service: string, what: string): Failure {
  return new Failure(
    "failed",
    "UNEXPECTED_ANSWER",
    `${service} answered ${what}: is it the public address of the service?`,
  );
}
