import type { DescMessage } from "@bufbuild/protobuf";

/**
 * Refuses a field that the request does not have, such as one whose name is misspelt: left out without a word, a request
 * would reach further than was meant.
 * @throws TypeError
 */
export function refuseUnknownFields({ name: message, field: fields }: DescMessage, given: object): void {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || name.startsWith("$")) continue;
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) throw new TypeError(`${message} has no field ${name}`);
    if (field.fieldKind === "message" && typeof value === "object" && value !== null) {
      refuseUnknownFields(field.message, value);
    }
  }
}
