/** A choice from 0 up to, and not including, `below`. */
export type Choose = (below: number) => number;

const longest = 4_096;

/** One input with a few things changed, some of them taken from the words or from another input. */
export function mutate(
  input: Buffer,
  { choose, other, words }: { readonly choose: Choose; readonly other: Buffer; readonly words: readonly Buffer[] },
): Buffer {
  let changed = input;
  for (let steps = 1 + choose(4); steps > 0; steps--) {
    const at = choose(changed.length + 1);
    const put = (bytes: Uint8Array, without = 0) =>
      Buffer.concat([changed.subarray(0, at), bytes, changed.subarray(at + without)]);
    const from = choose(other.length + 1);
    const changes: readonly (() => Buffer)[] = [
      () => put(Buffer.from([(changed[at] ?? 0) ^ (1 << choose(8))]), 1),
      () => put(Buffer.from([choose(256)]), choose(2)),
      () => put(words[choose(words.length)] ?? Buffer.alloc(0), choose(12)),
      () => put(Buffer.alloc(0), 1 + choose(16)),
      () => put(changed.subarray(at, at + choose(64))),
      () => put(other.subarray(from, from + choose(64)), choose(16)),
    ];
    changed = changes[choose(changes.length)]?.() ?? changed;
  }
  return changed.subarray(0, longest);
}
