import type { Caller } from "../../domain/access/caller.ts";
import type { Rule } from "../../domain/access/rule.ts";
import { accessNow } from "../../domain/connecting/link-policy.ts";

/** The rules by which a caller may call a method; none: it may not. */
export function rulesFor(caller: Caller, method: string): readonly Rule[] {
  return accessNow(caller, method)?.rules ?? [];
}

export function may(caller: Caller, method: string): boolean {
  return rulesFor(caller, method).length > 0;
}

/** Whether a rule is about a product at all. */
export function names({ products }: Rule, product: string): boolean {
  return products === "all" || products.has(product);
}

/** Whom rules are about; `all` includes what has no owner. */
export function ownersOf(rules: readonly Rule[]): "all" | readonly string[] {
  const named = new Set<string>();
  for (const { owners } of rules) {
    if (owners === "all") return "all";
    for (const owner of owners) named.add(owner);
  }
  return [...named].sort();
}
