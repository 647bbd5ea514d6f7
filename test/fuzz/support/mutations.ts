import fc from "fast-check";

/** Bytes with something wrong in a few places: flipped bits, bytes put in, taken out, repeated, cut off. */
export function mutated(whole: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc.tuple(whole, fc.array(step, { minLength: 1, maxLength: 6 })).map(([bytes, steps]) => {
    let changed: Buffer = bytes;
    for (const change of steps) changed = change(changed);
    return changed;
  });
}

type Change = (bytes: Buffer) => Buffer;

const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const oddBytes = fc.oneof(
  fc.uint8Array({ maxLength: 8 }),
  fc.constantFrom(...extremes()).map((text) => Buffer.from(text, "hex")),
);

const step: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(place, fc.nat({ max: 7 })).map(([at, bit]) => (bytes: Buffer) => {
    const changed = Buffer.from(bytes);
    const index = Math.floor(at * bytes.length);
    if (index < bytes.length) changed.writeUInt8(changed.readUInt8(index) ^ (1 << bit), index);
    return changed;
  }),
  fc.tuple(place, oddBytes).map(([at, put]) => (bytes: Buffer) => {
    const index = Math.floor(at * (bytes.length + 1));
    return Buffer.concat([bytes.subarray(0, index), put, bytes.subarray(index)]);
  }),
  fc.tuple(place, fc.nat({ max: 8 })).map(([at, count]) => (bytes: Buffer) => {
    const index = Math.floor(at * bytes.length);
    return Buffer.concat([bytes.subarray(0, index), bytes.subarray(index + count)]);
  }),
  fc.tuple(place, fc.nat({ max: 40 })).map(([at, count]) => (bytes: Buffer) => {
    const index = Math.floor(at * bytes.length);
    return Buffer.concat([bytes.subarray(0, index + count), bytes.subarray(index)]);
  }),
  place.map((at) => (bytes: Buffer) => bytes.subarray(0, Math.floor(at * bytes.length))),
);

/** Ends of number ranges as varints, tags that do not exist, and text that is none. */
function extremes(): readonly string[] {
  return [
    "00",
    "ff",
    "ffffffff0f",
    "ffffffffffffffffff01",
    "ffffffffffffffffffff01",
    "0b",
    "0c",
    "07",
    "c328",
    "eda080",
    "efbfbf",
    "f0909080",
  ];
}
