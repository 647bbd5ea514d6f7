import { type DescEnum, type DescFile, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** What a reflection client can ask about a set of files and everything they import. */
export interface Descriptors {
  /** Serialized FileDescriptorProtos: the file first, then its imports, each once. Undefined if it is not known. */
  fileByName(name: string): readonly Uint8Array[] | undefined;
  /** The file that declares a package-qualified service, method, message, field, oneof, enum, value or extension. */
  fileBySymbol(symbol: string): readonly Uint8Array[] | undefined;
  fileByExtension(extendee: string, number: number): readonly Uint8Array[] | undefined;
  /** Undefined if no such message is known; empty if nothing extends it. */
  extensionNumbers(extendee: string): readonly number[] | undefined;
}

export function createDescriptors(roots: readonly DescFile[]): Descriptors {
  const files = new Map<string, DescFile>();
  const symbols = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescFile>>();
  const messages = new Set<string>();
  for (const file of roots.flatMap(withImports)) {
    if (files.has(file.proto.name)) continue;
    files.set(file.proto.name, file);
    for (const symbol of symbolsOf(file)) symbols.set(symbol, file);
    for (const type of nestedTypes(file)) {
      if (type.kind === "message") messages.add(type.typeName);
      if (type.kind !== "extension") continue;
      const known = extensions.get(type.extendee.typeName) ?? new Map<number, DescFile>();
      extensions.set(type.extendee.typeName, known.set(type.number, file));
    }
  }

  return {
    fileByName: (name) => serialize(files.get(name)),
    fileBySymbol: (symbol) => serialize(symbols.get(symbol)),
    fileByExtension: (extendee, number) => serialize(extensions.get(extendee)?.get(number)),
    extensionNumbers(extendee) {
      if (!messages.has(extendee)) return undefined;
      return [...(extensions.get(extendee)?.keys() ?? [])];
    },
  };
}

function serialize(file: DescFile | undefined): readonly Uint8Array[] | undefined {
  if (file === undefined) return undefined;
  return withImports(file).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
}

/** The file itself, then everything it imports. */
function withImports(file: DescFile): readonly DescFile[] {
  const found = new Map([[file.proto.name, file]]);
  for (const known of found.values()) {
    for (const imported of known.dependencies) found.set(imported.proto.name, imported);
  }
  return [...found.values()];
}

function* symbolsOf(file: DescFile): Iterable<string> {
  for (const type of nestedTypes(file)) {
    yield type.typeName;
    if (type.kind === "service") for (const method of type.methods) yield `${type.typeName}.${method.name}`;
    if (type.kind === "message") for (const name of membersOf(type)) yield `${type.typeName}.${name}`;
    if (type.kind === "enum") for (const value of type.values) yield `${scopeOf(type)}${value.name}`;
  }
}

function membersOf(message: DescMessage): readonly string[] {
  return [...message.fields, ...message.oneofs].map(({ name }) => name);
}

/** Enum values are siblings of their enum. */
function scopeOf({ typeName }: DescEnum): string {
  return typeName.slice(0, typeName.lastIndexOf(".") + 1);
}
