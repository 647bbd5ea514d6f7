import { timingSafeEqual } from "node:crypto";
import type { LinkProofs } from "../../domain/links/link-code.ts";
import { Secret } from "../../secret.ts";
import type { Signer } from "../seal/signer.ts";

/** Made of the code by a key of the ring: nothing of it is kept. */
export function createLinkProofs(signer: Signer): LinkProofs {
  const text = (code: string) => `proof ${code}`;
  return {
    proofOf: (code) => new Secret(toProof(signer.sign(text(code)).mac)),
    proves(code, proof) {
      const given = Buffer.from(proof);
      return signer.macs(text(code)).some((mac) => {
        const expected = Buffer.from(toProof(mac));
        return given.length === expected.length && timingSafeEqual(given, expected);
      });
    },
  };
}

/** 128 bits of it are enough, in an address that people may have to see. */
function toProof(mac: string): string {
  return Buffer.from(mac, "hex").subarray(0, 16).toString("base64url");
}
