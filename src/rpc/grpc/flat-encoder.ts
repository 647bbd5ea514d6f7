/** Writes the protobuf wire format of flat messages; a value that is unset or empty is left out, as proto3 has it. */
export interface FlatWriter {
  text(field: number, value: string | undefined): void;
  texts(field: number, values: readonly string[] | undefined): void;
  textMap(field: number, entries: Readonly<Record<string, string>> | undefined): void;
  /** A google.protobuf.Timestamp. */
  time(field: number, value: { readonly seconds?: bigint; readonly nanos?: number } | undefined): void;
}

const lengthDelimited = 2;
const initialBytes = 4096;
/** Tag and length of one value. */
const maxHeaderBytes = 10;
const maxTimeBytes = 32;

/** An encoder of messages whose fields have numbers below 16; `fields` writes each of them. */
export function createFlatEncoder<Message>(
  fields: (writer: FlatWriter, message: Message) => void,
): (message: Message) => Buffer {
  // Reused from message to message, and copied from at the end.
  let buffer = Buffer.allocUnsafe(initialBytes);
  let end = 0;

  function reserve(bytes: number): void {
    if (end + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * buffer.length, end + bytes));
    buffer.copy(larger, 0, 0, end);
    buffer = larger;
  }

  function tag(field: number, wireType: number): void {
    buffer[end++] = (field << 3) | wireType;
  }

  function varint(value: number): void {
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) buffer[end++] = (rest % 128) | 128;
    buffer[end++] = rest;
  }

  function delimited(field: number, value: string, bytes: number): void {
    tag(field, lengthDelimited);
    varint(bytes);
    end += buffer.write(value, end);
  }

  function text(field: number, value: string): void {
    const bytes = Buffer.byteLength(value);
    reserve(bytes + maxHeaderBytes);
    delimited(field, value, bytes);
  }

  const writer: FlatWriter = {
    text(field, value) {
      if (value) text(field, value);
    },

    texts(field, values) {
      for (const value of values ?? []) text(field, value);
    },

    textMap(field, entries) {
      for (const key in entries) {
        const value = entries[key] ?? "";
        const keyBytes = Buffer.byteLength(key);
        const valueBytes = Buffer.byteLength(value);
        reserve(keyBytes + valueBytes + 3 * maxHeaderBytes);
        tag(field, lengthDelimited);
        varint(1 + varintBytes(keyBytes) + keyBytes + 1 + varintBytes(valueBytes) + valueBytes);
        delimited(1, key, keyBytes);
        delimited(2, value, valueBytes);
      }
    },

    time(field, value) {
      if (value === undefined) return;
      reserve(maxTimeBytes);
      tag(field, lengthDelimited);
      const lengthAt = end++;
      const seconds = Number(value.seconds ?? 0n);
      if (seconds < 0) throw new RangeError("a time before 1970");
      if (seconds > 0) {
        tag(1, 0);
        varint(seconds);
      }
      if (value.nanos) {
        tag(2, 0);
        varint(value.nanos);
      }
      buffer[lengthAt] = end - lengthAt - 1;
    },
  };

  return (message) => {
    // Here and not at the end, which a message that cannot be written does not reach.
    end = 0;
    fields(writer, message);
    return Buffer.from(buffer.subarray(0, end));
  };
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
