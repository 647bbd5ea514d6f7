/**
 * At most `limit` of them, in their order: every group by the first of `levels` has an equal share, and what a small one
 * leaves goes to the larger ones; within a group the next level decides in the same way. No group pushes another out.
 */
export function fairShare<Item>(
  items: readonly Item[],
  limit: number,
  [groupOf, ...levels]: readonly ((item: Item) => string)[],
): ReadonlySet<Item> {
  if (items.length <= limit) return new Set(items);
  if (groupOf === undefined) return new Set(items.slice(0, limit));
  const groups = [...Map.groupBy(items, groupOf).values()].sort((a, b) => a.length - b.length);
  const chosen = new Set<Item>();
  for (const [index, group] of groups.entries()) {
    const share = Math.ceil((limit - chosen.size) / (groups.length - index));
    for (const item of fairShare(group, share, levels)) chosen.add(item);
  }
  return chosen;
}
