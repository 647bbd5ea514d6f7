/** The parts of a connection URL, decoded. An empty part is undefined. */
export interface UrlParts {
  /** Perhaps several, comma separated; without the brackets of an IPv6 address. */
  readonly host: string | undefined;
  /** One for all, or one for each host, which may be empty. */
  readonly port: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  /** The parameters that are none of these. */
  readonly parameters: ReadonlyMap<string, string>;
  /** What is a parameter more than once. */
  readonly repeated: readonly string[];
}

// SQLAlchemy names its driver in the scheme: postgresql+asyncpg://
const form =
  /^postgres(?:ql)?(?:\+\w+)?:\/\/(?:(?<account>[^/?]*)@)?(?<address>[^/?@]*)(?:\/(?<path>[^?]*))?(?:\?(?<query>.*))?$/is;

/**
 * Takes a URL apart as libpq does: the host may be missing or stand among the parameters, which win over what comes
 * before them. Undefined: it is no such URL, or something in it would have to be percent-encoded.
 */
export function splitPostgresUrl(text: string): UrlParts | undefined {
  const found = form.exec(text)?.groups;
  const [host, port] = splitAddress(found?.address ?? "") ?? [];
  if (found === undefined || host === undefined) return undefined;
  const { account = "", path = "", query = "" } = found;
  const [, user = "", password = ""] = /^([^:]*):?(.*)$/s.exec(account) ?? [];
  try {
    const given = query === "" ? [] : query.split("&").map(splitParameter);
    const parameters = new Map(given);
    const repeated = [...parameters.keys()].filter((name) => given.filter(([other]) => other === name).length > 1);
    const take = (name: string, before = "") => {
      const value = parameters.get(name) ?? decodeURIComponent(before);
      parameters.delete(name);
      return value === "" ? undefined : value;
    };
    return {
      host: take("host", host)?.replaceAll(/\[([^\],]*)\]/g, "$1"),
      port: take("port", port),
      user: take("user", user),
      password: take("password", password),
      database: take("dbname", path),
      parameters,
      repeated,
    };
  } catch {
    return undefined;
  }
}

/** Hosts and ports, each as many as there are servers, with commas between them. */
function splitAddress(address: string): readonly [host: string, port: string] | undefined {
  const found = address.split(",").map((server) => /^(\[[^\]]*\]|[^:[\]]*)(?::(\d*))?$/.exec(server));
  if (found.includes(null)) return undefined;
  const ports = found.map((server) => server?.[2] ?? "");
  const isAny = ports.some((port) => port !== "");
  return [found.map((server) => server?.[1] ?? "").join(","), isAny ? ports.join(",") : ""];
}

function splitParameter(text: string): [name: string, value: string] {
  const end = text.indexOf("=");
  if (end === -1) throw new URIError("a parameter is name=value");
  return [decodeURIComponent(text.slice(0, end)), decodeURIComponent(text.slice(end + 1))];
}
