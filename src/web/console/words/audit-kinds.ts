import type { AuditKind } from "../../../domain/model/audit-event.ts";

const kinds: Readonly<Record<AuditKind, string>> = {
  "token.issued": "A token was handed out, for the first time",
  "token.repeated": "The same token was handed out again",
  "token.refreshed": "The platform gave a new token",
  "call.refused": "A call was refused",
  "link.created": "A link to connect was made",
  "link.started": "A program asked for a link code",
  "link.approved": "A person approved a program",
  "link.denied": "A person refused a program",
  "link.delivered": "A program got its first token",
  "account.secret_rotated": "A program's secret was replaced",
  "account.forgotten": "A program's account was forgotten",
  "install.finished": "A person connected it in a browser",
  "install.failed": "An attempt to connect failed",
  "install.completed": "Its owner confirmed the connection",
  "install.binding_rejected": "Somebody else than its owner tried to confirm it",
  "install.expired": "Nobody confirmed it in time",
  "grant.rejected": "The platform refused the grant for good",
  "installation.suspended": "The organization suspended it",
  "installation.resumed": "It is served again",
  "installation.revoked": "It was revoked",
  "installation.moved": "It was given to another owner",
  "installation.imported": "It came over from an earlier service",
  "owner.offboarded": "Everything of its owner was ended",
  "keys.rotated": "Encryption keys were rotated",
  "policy.loaded": "A caller file was loaded",
  "policy.refused": "A caller file was refused",
  "audit.pruned": "Old rows of the record were pruned",
  "audit.witnessed": "The record was witnessed",
};

/** What happened, in words; a kind that this version does not know says its own name. */
export function auditWords(kind: string): string {
  return Object.entries(kinds).find(([known]) => known === kind)?.[1] ?? kind;
}
