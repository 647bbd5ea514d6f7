import type { DescEnum, Message } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import {
  InstallationStatusSchema,
  type Installation as Sent,
  type WebhookRegistration,
} from "../../../gen/oauth/token/v1/installation_pb.js";
import type { Installation, InstallationStatus, Webhook } from "../installation.ts";

/** An installation as callers know it. */
export function plainInstallation(sent: Sent): Installation {
  const { status, webhook, ...rest } = plain<Sent>(sent);
  return {
    ...(rest as Omit<Installation, "status" | "webhook">),
    status: nameOf(InstallationStatusSchema, status) as InstallationStatus,
    ...(webhook === undefined ? {} : { webhook: plain<WebhookRegistration>(webhook) as Webhook }),
  };
}

/** The contract's name of a value; its number where this version does not know it yet. */
export function nameOf(schema: DescEnum, value: number): string {
  return schema.value[value]?.name ?? String(value);
}

/** The value by its name in the contract. @throws TypeError */
export function numberOf(schema: DescEnum, name: string): number {
  const value = schema.values.find((one) => one.name === name);
  if (value === undefined) throw new TypeError(`no ${schema.name} is called ${name}`);
  return value.number;
}

type Plain<Given> = {
  [Field in keyof Given as Field extends "$typeName" | "$unknown" ? never : Field]: Given[Field] extends
    | Timestamp
    | undefined
    ? Date | undefined
    : Given[Field];
};

/** Times as dates; without what is unset and what belongs to protobuf. */
function plain<Given extends Message>(message: Given): Plain<Given> {
  const fields = Object.entries(message).filter(([name, value]) => !name.startsWith("$") && value !== undefined);
  return Object.fromEntries(
    fields.map(([name, value]) => [name, isTimestamp(value) ? timestampDate(value) : value]),
  ) as Plain<Given>;
}

function isTimestamp(value: unknown): value is Timestamp {
  return (
    typeof value === "object" &&
    value !== null &&
    "$typeName" in value &&
    value.$typeName === "google.protobuf.Timestamp"
  );
}
