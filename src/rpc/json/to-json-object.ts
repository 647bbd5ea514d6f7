import { type DescMessage, type JsonObject, type MessageShape, toJson } from "@bufbuild/protobuf";

/** A message with its proto field names, enum values as names, and every field that has no presence. */
export function toJsonObject<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): JsonObject {
  // Callers of the earlier HTTP API read lists and maps without asking whether they are there.
  const json = toJson(desc, message, { useProtoFieldName: true, alwaysEmitImplicit: true });
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  throw new TypeError(`${desc.typeName} is no JSON object`);
}
