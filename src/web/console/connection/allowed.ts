import type { Caller } from "../../../domain/access/caller.ts";
import { accessNow, vouches } from "../../../domain/connecting/link-policy.ts";
import type { ListedInstallation } from "../installation.ts";

/** The products of a platform: an installation may serve any of them. */
export type ProductsOf = (platform: string) => readonly string[];

type Subject = Pick<ListedInstallation, "platform" | "owner">;

/** As which product a caller may have it connected again; undefined: it may not. Of an owner's it has to vouch, as in `choicesOf`. */
export function reconnectsAs(caller: Caller, { platform, owner }: Subject, productsOf: ProductsOf): string | undefined {
  const access = accessNow(caller, "CreateInstallLink");
  if (access === undefined) return undefined;
  const isFor = (product: string) => (owner === "" ? access.sees(product, undefined) : vouches(access, product, owner));
  return productsOf(platform).find(isFor);
}

/** Whether a caller may revoke it, as far as is known here: which of the products it serves, all of which count, is not. */
export function mayRevoke(caller: Caller, { platform, owner }: Subject, productsOf: ProductsOf): boolean {
  const access = accessNow(caller, "RevokeInstallation");
  return productsOf(platform).some((product) => access?.sees(product, owner === "" ? undefined : owner) === true);
}
