import { writeFile } from "node:fs/promises";
import type {
  DescriptorProto,
  DescriptorProto_ExtensionRange,
  DescriptorProto_ReservedRange,
  EnumDescriptorProto,
  FieldDescriptorProto,
  FileDescriptorProto,
} from "@bufbuild/protobuf/wkt";
import { FieldDescriptorProto_Label as Label, FieldDescriptorProto_Type as Type } from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "../node_modules/@bufbuild/protovalidate/dist/esm/gen/buf/validate/validate_pb.js";

// Prints the declarations of buf/validate/validate.proto from the descriptor inside @bufbuild/protovalidate, which
// ships no .proto file. The CEL expressions of the standard rules stay there: only their evaluator needs them.
const target = new URL("../proto/buf/validate/validate.proto", import.meta.url);
await writeFile(target, printFile(file_buf_validate_validate.proto));

function printFile(file: FileDescriptorProto): string {
  const options = file.options;
  const lines = [
    "// Declarations of github.com/bufbuild/protovalidate (Apache License 2.0, Buf Technologies, Inc.), printed by",
    "// scripts/vendor-validate.ts. Do not edit.",
    "",
    `syntax = "${file.syntax || "proto2"}";`,
    "",
    `package ${file.package};`,
    "",
    ...file.dependency.map((name) => `import "${name}";`),
    "",
    `option go_package = "${options?.goPackage ?? ""}";`,
    `option java_multiple_files = ${options?.javaMultipleFiles ?? false};`,
    `option java_outer_classname = "${options?.javaOuterClassname ?? ""}";`,
    `option java_package = "${options?.javaPackage ?? ""}";`,
    ...printExtensions(file.extension),
    ...file.messageType.flatMap((message) => ["", ...printMessage(message)]),
    ...file.enumType.flatMap((type) => ["", ...printEnum(type)]),
  ];
  return `${lines.join("\n")}\n`;
}

function printExtensions(extensions: readonly FieldDescriptorProto[]): string[] {
  const extendees = [...new Set(extensions.map((extension) => extension.extendee))];
  return extendees.flatMap((extendee) => [
    "",
    `extend ${extendee.slice(1)} {`,
    ...extensions
      .filter((extension) => extension.extendee === extendee)
      .map((extension) => `  ${printField(extension)}`),
    "}",
  ]);
}

function printMessage(message: DescriptorProto): string[] {
  if (message.nestedType.length > 0 || message.extension.length > 0) {
    throw new Error(`${message.name}: nested messages and extensions are not printed`);
  }
  const body = [
    ...message.enumType.flatMap(printEnum),
    ...message.field.filter((field) => !hasOneof(field)).map(printField),
    ...message.oneofDecl.flatMap((oneof, index) => [
      `oneof ${oneof.name} {`,
      ...message.field
        .filter((field) => hasOneof(field) && field.oneofIndex === index)
        .map((field) => `  ${printField(field)}`),
      "}",
    ]),
    ...printRanges("extensions", message.extensionRange),
    ...printRanges("reserved", message.reservedRange),
    ...(message.reservedName.length === 0
      ? []
      : [`reserved ${message.reservedName.map((name) => `"${name}"`).join(", ")};`]),
  ];
  return [`message ${message.name} {`, ...body.map((line) => `  ${line}`), "}"];
}

/** In a proto3 file an `optional` field is a oneof of its own; this file is proto2 or an edition. */
function hasOneof(field: FieldDescriptorProto): boolean {
  return Object.hasOwn(field, "oneofIndex");
}

function printField(field: FieldDescriptorProto): string {
  const label = field.label === Label.REPEATED ? "repeated " : hasOneof(field) ? "" : "optional ";
  const options = field.options?.deprecated ? " [deprecated = true]" : "";
  return `${label}${typeName(field)} ${field.name} = ${field.number}${options};`;
}

function typeName(field: FieldDescriptorProto): string {
  if (field.typeName !== "") return field.typeName.replace(/^\.(buf\.validate\.)?/, "");
  return Type[field.type].toLowerCase();
}

function printEnum(type: EnumDescriptorProto): string[] {
  return [`enum ${type.name} {`, ...type.value.map((value) => `  ${value.name} = ${value.number};`), "}"];
}

function printRanges(
  keyword: string,
  ranges: readonly (DescriptorProto_ExtensionRange | DescriptorProto_ReservedRange)[],
): string[] {
  const last = 536_870_911;
  return ranges.map(({ start, end }) => {
    const through = end - 1;
    if (through === start) return `${keyword} ${start};`;
    return `${keyword} ${start} to ${through >= last ? "max" : through};`;
  });
}
