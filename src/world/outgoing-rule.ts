import type { LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { type AddressClass, classOf } from "./address-class.ts";

/** Decides which hosts and addresses are called. */
export interface OutgoingRule {
  /** The host as a URL spells it. @throws AddressRefused for an address, or loopback name, that is not to be called. */
  readonly checkHost: (host: string) => void;
  /** Resolves once and hands over what was checked; one wrong address refuses them all. */
  readonly lookup: LookupFunction;
}

/** Every address of a name, as the system resolves it. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

/** A connection that is not made. Its text has the host and what is wrong, and no address. */
export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
  /** As the errors of the system have one. */
  readonly code = "ADDRESS_REFUSED";
}

/**
 * A host that an operator named may be in a private network, or on loopback if its name says so; any other host has to
 * be public. Addresses that lead to nothing but trouble are refused for all of them.
 */
export function createOutgoingRule(isOwnHost: (host: string) => boolean, resolve: Resolve): OutgoingRule {
  const isAllowed = (host: string, to: AddressClass): boolean => {
    const own = isOwnHost(host);
    if (isLoopbackName(host)) return own && to === "loopback";
    return to === "public" || (own && to === "private");
  };

  async function resolveChecked(host: string): Promise<readonly LookupAddress[]> {
    const found = await resolve(host);
    for (const { address } of found) {
      const to = classOf(address);
      if (!isAllowed(nameOf(host), to)) throw new AddressRefused(`${host} resolves to a ${to} address`);
    }
    return found;
  }

  return {
    checkHost(host) {
      const name = nameOf(host);
      const to = isIP(name) === 0 ? undefined : classOf(name);
      if (to !== undefined && !isAllowed(name, to)) throw new AddressRefused(`${host} is a ${to} address`);
      if (isLoopbackName(name) && !isOwnHost(name)) throw new AddressRefused(`${host} is a loopback name`);
    },
    lookup(host, { all }, done) {
      resolveChecked(host).then(
        (found) => {
          const [first] = found;
          if (all === true) done(null, [...found]);
          else if (first === undefined) done(new AddressRefused(`${host} has no address`), "");
          else done(null, first.address, first.family);
        },
        (error: NodeJS.ErrnoException) => done(error, ""),
      );
    },
  };
}

/** A host as it is compared: lower case, without brackets and without the dot that a full name may end with. */
export function nameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/(.)\.$/, "$1");
}

/** Whether a name, as `nameOf` gives it, says that it means this machine. */
export function isLoopbackName(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost") || (isIP(name) !== 0 && classOf(name) === "loopback");
}
