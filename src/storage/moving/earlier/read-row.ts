import { createHash } from "node:crypto";
import type { FoundRow, RowReading } from "../../../domain/model/earlier-row.ts";
import type { FernetKey } from "../../seal/fernet.ts";
import { instantOf, type JsonRow, listOf, textOf, wordOf, wordsOf } from "./columns.ts";
import { openToken } from "./open-token.ts";

/** Reads a row of either schema: tokens are in `access_token` or `access_token_encrypted`, with or without a key. */
export function readEarlierRow(id: string, json: JsonRow, keys: readonly FernetKey[]): FoundRow {
  const product = wordOf(json.platform) ?? "";
  const identity = [product, textOf(json.external_org_id), textOf(json.external_install_id), id];
  return { id, newId: uuidIn(id) ?? uuidFor(JSON.stringify(identity)), product, reading: read(json, product, keys) };
}

function read(json: JsonRow, product: string, keys: readonly FernetKey[]): RowReading {
  const organization = textOf(json.external_org_id) ?? textOf(json.external_install_id);
  const unreadable = (why: string): RowReading => ({ kind: "unreadable", organization, why });
  const status = wordOf(json.status) ?? "active";
  const revokedAt = textOf(json.revoked_at);
  if (status === "revoked" || revokedAt !== undefined) return { kind: "ended", at: instantOf(revokedAt) };
  if (status !== "active" && status !== "suspended") {
    return unreadable(`its status is none that is known: set it to active, suspended or revoked there`);
  }
  const tooLong = ["external_org_id", "external_install_id"].find((name) => (textOf(json[name])?.length ?? 0) > 256);
  if (tooLong !== undefined) return unreadable(`its ${tooLong} is longer than any platform's: correct it there`);
  const access = openToken(textOf(json.access_token) ?? json.access_token_encrypted, keys);
  const refresh = openToken(textOf(json.refresh_token) ?? json.refresh_token_encrypted, keys);
  if (access.kind === "closed" || refresh.kind === "closed") {
    return unreadable(
      "no key opens its tokens: give the key of the earlier service with --key, several with commas, and run it again",
    );
  }
  const names = {
    externalOrgId: textOf(json.external_org_id),
    externalOrgName: textOf(json.external_org_name),
    externalInstallId: textOf(json.external_install_id),
    installedBy: textOf(json.installed_by),
  };
  const facts = {
    scopes: listOf(json.scopes),
    permissions: wordsOf(json.permissions),
    metadata: wordsOf(json.metadata),
  };
  if (!isText(names) || !isText(facts)) {
    return unreadable("it holds a character that no text may have: correct it there");
  }
  return {
    kind: "readable",
    status,
    row: {
      ...{ product, ...names, externalUserId: undefined },
      accessToken: access.kind === "token" ? access.value : undefined,
      refreshToken: refresh.kind === "token" ? refresh.value : undefined,
      tokenExpiresAt: instantOf(json.token_expires_at),
      ...facts,
    },
    createdAt: instantOf(json.created_at),
    lastUsedAt: instantOf(json.last_used_at),
    notes: [
      ...(has(json.private_key) ? ["its private_key is left behind, since that of the settings counts"] : []),
      ...(has(json.webhook_secret) ? ["its webhook_secret is left behind, since that of the settings counts"] : []),
    ],
  };
}

/** Whether all of it can be stored. JSON may hold the zero character, and halves of others, which no database takes. */
function isText(value: unknown): boolean {
  if (typeof value === "string") return !value.includes("\u0000") && value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([name, one]) => isText(name) && isText(one));
}

function has(value: unknown): boolean {
  return textOf(value) !== undefined;
}

/** A UUID in any of the spellings that databases keep. */
function uuidIn(text: string): string | undefined {
  const digits = /^\{?([\da-f]{8})-?([\da-f]{4})-?([\da-f]{4})-?([\da-f]{4})-?([\da-f]{12})\}?$/i.exec(text.trim());
  return digits?.slice(1).join("-").toLowerCase();
}

/** The same id each time for what has none of its own that could be kept (RFC 9562, version 8). */
function uuidFor(identity: string): string {
  const bytes = createHash("sha256").update(`earlier installation ${identity}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
