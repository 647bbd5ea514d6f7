import type { FieldViolation } from "../errors.ts";
import type { Method } from "./method.ts";
import { methods } from "./methods.ts";
import type { RequestOf, RpcName } from "./rpc-names.ts";

const all: { readonly [Name in RpcName]: Pick<Method<Name, never>, "rules"> } = methods;

/** What of the contract's rules a request breaks. */
export function violationsOf<Name extends RpcName>(name: Name, request: RequestOf<Name>): readonly FieldViolation[] {
  const found: FieldViolation[] = [];
  all[name].rules(request, found);
  return found;
}
